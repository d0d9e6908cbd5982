"""Tickets' SQL: one function per statement, rows in, domain objects out."""
