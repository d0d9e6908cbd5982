"""Notifier's SQL: one function per statement, rows in, domain objects out."""
