"""What the ledger's audit claims, in words for people who keep no books."""

from collections.abc import Mapping

from gateway.portal.languages import N_, gettext

#: By the names that billing gives its checks.
CLAIMS: Mapping[str, str] = {
    "every entry has two postings or more and sums to zero": N_(
        "Every entry of the journal balances"
    ),
    "postings are in their account's currency and to their customer's accounts": N_(
        "Every posting is in the right currency and on the right customer's account"
    ),
    "kept balances equal the sum of their postings": N_(
        "Every balance is the sum of what was posted to it"
    ),
    "credit was never below zero": N_("No customer's credit was ever below zero"),
    "money received equals what it paid and the credit it made": N_(
        "All money received has paid an invoice or become credit"
    ),
    "entries moved what customers owe by what was allocated or freed": N_(
        "What customers owe fell by exactly what was paid"
    ),
    "a payment has succeeded if and only if its money is posted, once": N_(
        "Every received payment is posted, and posted once"
    ),
    "unresolved payments, and only those, hold their invoices": N_(
        "An invoice waits for a payment only while one is under way"
    ),
    "every effect has its cause, and had it once": N_(
        "Every entry says what caused it, and nothing happened twice"
    ),
    "no role can change or delete what is in the ledger": N_(
        "Nobody can change or delete what is in the ledger"
    ),
    "the journal is what was sealed in its hash chain": N_(
        "The journal is what it was when it was sealed"
    ),
    "an invoice is paid if and only if allocations make up its total": N_(
        "An invoice counts as paid when all of it is paid, and only then"
    ),
    "an invoice's total is the sum of its lines and tax": N_(
        "Every invoice's total is the sum of its lines and tax"
    ),
    "an invoice asks for what was posted at its issue": N_(
        "Every invoice asks for what was posted when it was issued"
    ),
    "an issued invoice is void if and only if its issue is reversed": N_(
        "Every void invoice, and no other, is taken back in the ledger"
    ),
    "customers owe what remains of their open invoices": N_(
        "What customers owe is what remains of their open invoices"
    ),
    "each period of a service is on one line that stands, without overlap or gap": N_(
        "Every period of a service is charged once, without overlap or gap"
    ),
    "a service is paid until the end of its last paid period": N_(
        "Every service is paid until the end of its last paid period"
    ),
    "invoice numbers run without gaps in each year": N_(
        "Invoice numbers run without gaps in each year"
    ),
}


def in_plain_words(claim: str) -> str:
    """Return what a check claims; a newer service's own words stand as they are."""
    return gettext(CLAIMS[claim]) if claim in CLAIMS else claim
