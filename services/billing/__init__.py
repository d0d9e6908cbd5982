"""Billing: orders, services, invoices, payments, credit, and the ledger under them."""
