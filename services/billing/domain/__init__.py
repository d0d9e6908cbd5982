"""Billing's pure rules: frozen dataclasses in, new ones out."""
