"""Billing's routes: parse, command or query, answer."""

from services.billing.api import (
    credit,
    domains,
    invoices,
    ledger,
    orders,
    payments,
    products,
    runs,
    services,
)

ROUTES = (
    products.routes,
    orders.routes,
    services.routes,
    domains.routes,
    invoices.routes,
    payments.routes,
    credit.routes,
    ledger.routes,
    runs.runs,
    runs.clock,
)
