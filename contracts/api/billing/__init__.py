"""Billing's public API: what goes in and what comes out."""
