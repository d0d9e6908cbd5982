"""Notifier tells customers by mail what happened, and everybody the news."""
