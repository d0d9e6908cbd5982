"""Which service owns a path: by its first noun, after `staff/` where that stands."""

OWNERS = {
    "customers": "accounts",
    "sessions": "accounts",
    "password-resets": "accounts",
    "email-verifications": "accounts",
    "me": "accounts",
    "products": "billing",
    "orders": "billing",
    "services": "billing",
    "domains": "billing",
    "invoices": "billing",
    "payments": "billing",
    "payment-methods": "billing",
    "credit": "billing",
    "departments": "tickets",
    "tickets": "tickets",
    "attachments": "tickets",
    "news": "notifier",
    "emails": "notifier",
}

STAFF_OWNERS = {
    "customers": "accounts",
    "orders": "billing",
    "services": "billing",
    "invoices": "billing",
    "payments": "billing",
    "billing-runs": "billing",
    "clock": "billing",
    "ledger": "billing",
    "tickets": "tickets",
    "tasks": "tickets",
    "news": "notifier",
    "emails": "notifier",
}

#: Work that its service may take longer for than for anything else, in seconds.
SLOW_PATHS = {"staff/billing-runs": 630.0}


def owner_of(path: str) -> str | None:
    """Return the service that owns `path`, which is given without `/api/v1/`."""
    noun, _, rest = path.partition("/")
    if noun == "staff":
        return STAFF_OWNERS.get(rest.partition("/")[0])
    return OWNERS.get(noun)
