"""Accounts: customers, the people who act for them, staff, and their sessions."""
