"""Accounts' rules: customers and their people, sessions, mailed links, limits."""
