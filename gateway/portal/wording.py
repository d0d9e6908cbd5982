"""How the API's own words are called on pages, and which tone they have."""

from collections.abc import Mapping
from typing import Literal

from gateway.portal.languages import N_, gettext

Tone = Literal["good", "waiting", "attention", "bad", "quiet"]

#: By kind and value; a status has its tone beside it.
_LABELS: Mapping[str, Mapping[str, tuple[str, Tone]]] = {
    "invoice": {
        "draft": (N_("Being prepared"), "quiet"),
        "open": (N_("Open"), "waiting"),
        "overdue": (N_("Overdue"), "bad"),
        "paid": (N_("Paid"), "good"),
        "void": (N_("Void"), "quiet"),
        "uncollectible": (N_("Written off"), "quiet"),
    },
    "payment": {
        "requires_action": (N_("Waiting for you"), "attention"),
        "clearing": (N_("Clearing"), "waiting"),
        # Until a proof has come, nobody knows of any money to be confirmed.
        "awaiting_payment": (N_("Waiting for your payment"), "attention"),
        "awaiting_confirmation": (N_("Awaiting confirmation"), "waiting"),
        "succeeded": (N_("Received"), "good"),
        "failed": (N_("Failed"), "bad"),
        "cancelled": (N_("Cancelled"), "quiet"),
        "expired": (N_("Expired"), "quiet"),
        "refunded": (N_("Refunded"), "quiet"),
    },
    "service": {
        "pending": (N_("Pending"), "waiting"),
        "active": (N_("Active"), "good"),
        "suspended": (N_("Suspended"), "bad"),
        "terminated": (N_("Terminated"), "quiet"),
        "cancelled": (N_("Cancelled"), "quiet"),
    },
    "order": {
        "pending": (N_("Pending"), "waiting"),
        "active": (N_("Active"), "good"),
        "cancelled": (N_("Cancelled"), "quiet"),
    },
    "domain": {
        "pending": (N_("Pending"), "waiting"),
        "active": (N_("Active"), "good"),
        "expired": (N_("Expired"), "bad"),
        "transferred_away": (N_("Transferred away"), "quiet"),
    },
    "ticket": {
        "open": (N_("Open"), "waiting"),
        "answered": (N_("Answered"), "good"),
        "customer_reply": (N_("Customer reply"), "attention"),
        "on_hold": (N_("On hold"), "quiet"),
        "closed": (N_("Closed"), "quiet"),
    },
    "priority": {
        "low": (N_("Low"), "quiet"),
        "medium": (N_("Medium"), "quiet"),
        "high": (N_("High"), "attention"),
        "urgent": (N_("Urgent"), "bad"),
    },
    "mail": {
        "pending": (N_("To be sent"), "waiting"),
        "sending": (N_("Being sent"), "waiting"),
        "sent": (N_("Sent"), "good"),
        "ambiguous": (N_("Delivery unconfirmed"), "attention"),
        "failed": (N_("Not accepted"), "bad"),
        "dead": (N_("Given up"), "bad"),
    },
    "period": {
        "one_time": (N_("One-time"), "quiet"),
        "monthly": (N_("Monthly"), "quiet"),
        "quarterly": (N_("Quarterly"), "quiet"),
        "semiannual": (N_("Every six months"), "quiet"),
        "annual": (N_("Annual"), "quiet"),
        "biennial": (N_("Every two years"), "quiet"),
        "triennial": (N_("Every three years"), "quiet"),
    },
    "method": {
        "card": (N_("Card"), "quiet"),
        "paypal": (N_("PayPal"), "quiet"),
        "boleto": (N_("Bank slip"), "quiet"),
        "pix": (N_("Pix"), "quiet"),
        "bank_transfer": (N_("Bank transfer"), "quiet"),
        "deposit": (N_("Deposit"), "quiet"),
    },
    "credit": {
        "top_up": (N_("Funds added"), "good"),
        "overpayment": (N_("Overpayment"), "good"),
        "applied": (N_("Used for an invoice"), "quiet"),
        "automatic": (N_("Used on the due date"), "quiet"),
        "freed": (N_("Returned from an invoice"), "good"),
    },
    "author": {
        "customer": (N_("Customer"), "quiet"),
        "staff": (N_("Staff"), "good"),
        "system": (N_("System"), "quiet"),
    },
}


#: Every kind with its values.
KINDS: Mapping[str, tuple[str, ...]] = {
    kind: tuple(values) for kind, values in _LABELS.items()
}


def label(value: str, kind: str) -> str:
    """Return what the value is called; a newer service's own word stands as it is."""
    text, _ = _LABELS[kind].get(value, ("", ""))
    return gettext(text) if text else value.replace("_", " ")


def tone(value: str, kind: str) -> Tone:
    _, found = _LABELS[kind].get(value, ("", "quiet"))
    return found
