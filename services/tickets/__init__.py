"""Tickets: customers ask, departments answer, and files travel with both."""
