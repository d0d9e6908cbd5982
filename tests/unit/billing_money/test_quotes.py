"""What paying invoices costs: what credit pays of them, and what a method charges."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.money import Money
from services.billing.domain.invoices import (
    Invoice,
    InvoiceKind,
    InvoiceNotOpen,
    InvoiceStatus,
)
from services.billing.domain.payments import shares_of
from services.billing.domain.quotes import (
    MixedCurrencies,
    SumChanged,
    check_expected,
    currency_of,
    quote,
)
from tests.unit.billing_money.builders import TODAY, an_invoice, brl

CREDITS = st.integers(min_value=0, max_value=60_000).map(brl)
INVOICES = st.lists(
    st.builds(
        an_invoice,
        st.integers(min_value=1, max_value=10_000),
        kind=st.sampled_from(InvoiceKind),
        due_on=st.integers(0, 5).map(lambda days: TODAY + timedelta(days=days)),
    ),
    min_size=1,
    max_size=6,
)
NOTHING = brl(0)


def payable(invoices: list[Invoice]) -> Money:
    """Return what credit may pay of these."""
    services = (i.remaining for i in invoices if i.kind is InvoiceKind.SERVICE)
    return sum(services, NOTHING)


@given(invoices=INVOICES, credit=CREDITS)
def test_credit_and_charge_are_together_what_remains_and_credit_pays_all_it_can(
    invoices: list[Invoice], credit: Money
) -> None:
    quoted = quote(invoices, credit, use_credit=True)
    assert quoted.credit_used + quoted.charged == quoted.total
    assert quoted.total == sum((i.remaining for i in invoices), NOTHING)
    assert quoted.credit_used == min(credit, payable(invoices))
    assert {share.invoice.id for share in quoted.shares} == {i.id for i in invoices}
    for share in quoted.shares:
        assert NOTHING <= share.credit <= share.invoice.remaining
        assert not (share.invoice.kind is InvoiceKind.TOP_UP and share.credit.positive)


@given(invoices=INVOICES, credit=CREDITS)
def test_the_oldest_due_takes_credit_before_a_younger_gets_any(
    invoices: list[Invoice], credit: Money
) -> None:
    shares = [
        share
        for share in quote(invoices, credit, use_credit=True).shares
        if share.invoice.kind is InvoiceKind.SERVICE
    ]
    assert [s.invoice.due_on for s in shares] == sorted(
        share.invoice.due_on for share in shares
    )
    taking = [share for share in shares if share.credit.positive]
    assert taking == shares[: len(taking)]
    assert not any(share.charged.positive for share in taking[:-1])


@given(invoices=INVOICES, credit=CREDITS)
def test_a_payment_asks_for_just_what_is_charged(
    invoices: list[Invoice], credit: Money
) -> None:
    quoted = quote(invoices, credit, use_credit=True)
    asked = [share.asked for share in shares_of(quoted)]
    assert sum(asked, NOTHING) == quoted.charged
    assert all(amount.positive for amount in asked)


@given(invoices=INVOICES, credit=CREDITS)
def test_credit_that_is_not_to_be_used_is_not(
    invoices: list[Invoice], credit: Money
) -> None:
    quoted = quote(invoices, credit, use_credit=False)
    assert quoted.credit_used == NOTHING
    assert quoted.charged == quoted.total
    usable = credit if payable(invoices).positive else NOTHING
    assert quoted.credit_available == usable


def test_a_hundred_with_thirty_of_credit_charges_seventy() -> None:
    quoted = quote([an_invoice(10_000)], brl(3_000), use_credit=True)
    check_expected(quoted, None)
    check_expected(quoted, brl(7_000))
    with pytest.raises(SumChanged, match=r"^80\.00 BRL was shown, and 70\.00 BRL"):
        check_expected(quoted, brl(8_000))
    with pytest.raises(SumChanged, match=r"^70\.00 USD was shown"):
        check_expected(quoted, Money(7_000, "USD"))


def test_nothing_is_expected_where_credit_covers_all() -> None:
    quoted = quote([an_invoice(10_000)], brl(20_000), use_credit=True)
    check_expected(quoted, NOTHING)
    assert shares_of(quoted) == ()


def test_only_open_invoices_in_one_currency_are_paid_together() -> None:
    assert currency_of([an_invoice(), an_invoice()]) == "BRL"
    with pytest.raises(InvoiceNotOpen):
        currency_of([an_invoice(), an_invoice(status=InvoiceStatus.VOID)])
    with pytest.raises(MixedCurrencies):
        currency_of([an_invoice(), an_invoice(currency="USD")])
