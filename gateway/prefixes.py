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
    "forecast": "billing",
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

#: Nouns with something that is open to all: their services look at the token alone.
OPEN_NOUNS = frozenset(
    {
        "customers",
        "sessions",
        "password-resets",
        "email-verifications",
        "products",
        "news",
    }
)

#: Work that its service may take longer for than for anything else, in seconds.
SLOW_PATHS = {"staff/billing-runs": 630.0, "staff/ledger/audit": 130.0}


def owner_of(path: str) -> str | None:
    """Return the service that owns `path`, which is given without `/api/v1/`."""
    noun, _, rest = path.partition("/")
    if noun == "staff":
        return STAFF_OWNERS.get(rest.partition("/")[0])
    return OWNERS.get(noun)


def is_partly_open(path: str) -> bool:
    """Tell whether some of what is under the path's noun needs no token."""
    return path.partition("/")[0] in OPEN_NOUNS
