"""Every way to post sums to zero and moves exactly the accounts it should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import uuid7
from chassis.money import Money
from services.billing.domain import ledger
from services.billing.domain.invoices import InvoiceKind
from services.billing.domain.ledger import (
    Account,
    AccountKind,
    Balances,
    CreditReason,
    CreditTooLow,
    Entry,
    EntryKind,
    Posting,
    Unbalanced,
)
from tests.unit.billing_money.builders import CUSTOMER, an_invoice, brl

AMOUNTS = st.integers(min_value=1, max_value=10**12)


def moved(entry: Entry) -> dict[str, int]:
    """Return what each kind of account was debited; credits are negative."""
    assert sum(posting.amount.minor for posting in entry.postings) == 0
    assert len(entry.postings) >= 2
    assert all(posting.amount.minor for posting in entry.postings)
    return {posting.account.kind: posting.amount.minor for posting in entry.postings}


def balances(*, receivable: int = 0, credit: int = 0) -> Balances:
    return Balances(
        customer_id=CUSTOMER, receivable=brl(receivable), credit=brl(credit)
    )


@given(total=AMOUNTS, tax=st.integers(min_value=0, max_value=10**12))
def test_an_issue_is_owed_as_revenue_and_tax(total: int, tax: int) -> None:
    entry = ledger.issue(uuid7(), an_invoice(total + tax, tax=tax))
    expected = {"receivable": total + tax, "revenue": -total, "tax_payable": -tax}
    assert moved(entry) == {kind: minor for kind, minor in expected.items() if minor}
    assert (entry.charged, entry.credited) == (brl(total + tax), brl(0))


@given(allocated=st.integers(min_value=0, max_value=10**12), more=AMOUNTS)
def test_received_money_pays_what_is_owed_and_the_rest_is_credit(
    allocated: int, more: int
) -> None:
    entry = ledger.payment(
        uuid7(),
        customer_id=CUSTOMER,
        received=brl(allocated + more),
        allocated=brl(allocated),
        source=AccountKind.BANK,
        payment_id=uuid7(),
        reason=CreditReason.OVERPAYMENT,
    )
    expected = {
        "bank": allocated + more,
        "receivable": -allocated,
        "customer_credit": -more,
    }
    assert moved(entry) == {kind: minor for kind, minor in expected.items() if minor}
    assert (entry.charged, entry.credited) == (brl(-allocated), brl(more))
    assert entry.credit_reason is CreditReason.OVERPAYMENT


@given(amount=AMOUNTS)
def test_exact_money_moves_no_credit(amount: int) -> None:
    entry = ledger.payment(
        uuid7(),
        customer_id=CUSTOMER,
        received=brl(amount),
        allocated=brl(amount),
        source=AccountKind.CLEARING,
        payment_id=uuid7(),
        reason=CreditReason.OVERPAYMENT,
    )
    assert moved(entry) == {"clearing": amount, "receivable": -amount}
    assert entry.credit_reason is None


@given(amount=AMOUNTS)
def test_credit_applied_and_freed_are_each_others_reverse(amount: int) -> None:
    invoice = an_invoice(amount)
    applied = ledger.credit_applied(
        uuid7(), invoice, brl(amount), CreditReason.AUTOMATIC
    )
    freed = ledger.allocation_freed(uuid7(), invoice, brl(amount))
    assert moved(applied) == {"customer_credit": amount, "receivable": -amount}
    assert moved(freed) == {"customer_credit": -amount, "receivable": amount}
    assert applied.credited == -freed.credited == brl(-amount)


@given(total=AMOUNTS, tax=st.integers(min_value=0, max_value=10**12))
def test_a_void_is_the_reverse_of_the_issue(total: int, tax: int) -> None:
    invoice = an_invoice(total + tax, tax=tax)
    issued = ledger.issue(uuid7(), invoice)
    void = ledger.void(uuid7(), invoice, issued.id)
    assert moved(void) == {kind: -minor for kind, minor in moved(issued).items()}
    assert void.reverses_id == issued.id


@pytest.mark.parametrize("postings", [[], [5], [5, -4], [0]])
def test_an_entry_that_does_not_balance_cannot_be_made(postings: list[int]) -> None:
    with pytest.raises(Unbalanced):
        Entry(
            id=uuid7(),
            kind=EntryKind.PAYMENT,
            customer_id=CUSTOMER,
            postings=tuple(
                Posting(Account(AccountKind.BANK, "BRL"), brl(minor))
                for minor in postings
            ),
        )


def test_credit_does_not_move_without_a_reason() -> None:
    with pytest.raises(Unbalanced):
        Entry(
            id=uuid7(),
            kind=EntryKind.PAYMENT,
            customer_id=CUSTOMER,
            postings=(
                Posting(Account(AccountKind.BANK, "BRL"), brl(5)),
                Posting(ledger.credit_account(CUSTOMER, "BRL"), brl(-5)),
            ),
        )


def test_currencies_do_not_make_up_for_each_other() -> None:
    with pytest.raises(Unbalanced):
        Entry(
            id=uuid7(),
            kind=EntryKind.PAYMENT,
            customer_id=CUSTOMER,
            postings=(
                Posting(Account(AccountKind.BANK, "BRL"), brl(5)),
                Posting(Account(AccountKind.BANK, "USD"), Money(-5, "USD")),
            ),
        )


def test_what_asks_for_nothing_and_top_ups_are_not_posted_at_issue() -> None:
    assert ledger.posts_at_issue(an_invoice(1))
    assert not ledger.posts_at_issue(an_invoice(0))
    assert not ledger.posts_at_issue(an_invoice(1, kind=InvoiceKind.TOP_UP))


@given(credit=AMOUNTS, taken=AMOUNTS)
def test_credit_that_is_not_there_cannot_be_spent(credit: int, taken: int) -> None:
    entry = ledger.credit_applied(
        uuid7(), an_invoice(taken), brl(taken), CreditReason.APPLIED
    )
    held = balances(receivable=taken, credit=credit)
    if taken > credit:
        with pytest.raises(CreditTooLow):
            held.after(entry)
    else:
        after = held.after(entry)
        assert (after.receivable, after.credit) == (brl(0), brl(credit - taken))
        assert (after.receivable_version, after.credit_version) == (1, 1)


def test_a_balance_that_does_not_move_keeps_its_version() -> None:
    after = balances().after(ledger.issue(uuid7(), an_invoice()))
    assert (after.receivable_version, after.credit_version) == (1, 0)


def test_an_account_has_one_id_for_ever() -> None:
    account = ledger.credit_account(CUSTOMER, "BRL")
    assert account.id == ledger.credit_account(CUSTOMER, "BRL").id
    others = [
        ledger.credit_account(uuid7(), "BRL"),
        ledger.credit_account(CUSTOMER, "USD"),
        ledger.receivable_account(CUSTOMER, "BRL"),
        *ledger.company_accounts("BRL"),
    ]
    assert len({account.id, *(other.id for other in others)}) == len(others) + 1
    # Ledgers exist that hold this id: it must never change.
    revenue = Account(AccountKind.REVENUE, "BRL").id
    assert str(revenue) == "d8e639c7-87fb-5562-9d51-f0096a64b767"
