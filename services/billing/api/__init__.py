"""Billing's routes: parse, command or query, answer."""

from services.billing.api import (
    credit,
    domains,
    forecast,
    invoices,
    ledger,
    orders,
    overview,
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
    forecast.routes,
    ledger.routes,
    runs.runs,
    runs.clock,
    overview.routes,
)
