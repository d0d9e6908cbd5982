"""Where money goes, what an attempt may become, and how it is told."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import uuid7
from chassis.money import InvalidAmount
from services.billing.domain.invoices import (
    Invoice,
    InvoiceKind,
    InvoiceStatus,
)
from services.billing.domain.payments import (
    BY_HAND,
    Confirmation,
    MethodNotOffered,
    PaymentClearing,
    PaymentMethod,
    PaymentNotAwaited,
    PaymentStatus,
    PaymentTerms,
    confirm,
    read_received,
    shares_of,
    split,
    supersede,
)
from services.billing.domain.quotes import quote
from services.billing.domain.transfers import instructions
from tests.unit.billing_money.builders import (
    NOW,
    TODAY,
    a_payment,
    an_invoice,
    brl,
)

INVOICES = st.lists(
    st.builds(
        an_invoice,
        st.integers(min_value=1, max_value=10_000),
        kind=st.sampled_from(InvoiceKind),
        due_on=st.integers(0, 5).map(lambda days: TODAY + timedelta(days=days)),
        status=st.sampled_from([InvoiceStatus.OPEN, InvoiceStatus.VOID]),
    ),
    min_size=1,
    max_size=6,
)
SEEN = Confirmation(
    received=brl(100),
    bank_account="main",
    bank_reference="E1",
    confirmed_by=uuid7(),
)


@given(received=st.integers(min_value=1, max_value=60_000), invoices=INVOICES)
def test_received_money_is_placed_to_the_last_cent(
    received: int, invoices: list[Invoice]
) -> None:
    placed = split(brl(received), invoices, on=TODAY)
    before = {invoice.id: invoice for invoice in invoices}
    for part in placed.parts:
        assert part.amount.positive
        was = before[part.invoice.id]
        assert part.invoice.allocated == was.allocated + part.amount
        assert part.invoice.allocated <= part.invoice.total
    owed = sum(
        p.amount.minor for p in placed.parts if p.invoice.kind is InvoiceKind.SERVICE
    )
    assert placed.owed == brl(owed)
    assert placed.owed + placed.credited == brl(received)
    assert not placed.credited.minor < 0


@given(received=st.integers(min_value=1, max_value=60_000), invoices=INVOICES)
def test_the_oldest_due_is_paid_before_a_younger_gets_any(
    received: int, invoices: list[Invoice]
) -> None:
    placed = split(brl(received), invoices, on=TODAY)
    parts = [part.invoice for part in placed.parts]
    assert [i.due_on for i in parts] == sorted(i.due_on for i in parts)
    assert all(i.status is InvoiceStatus.PAID for i in parts[:-1])
    open_ones = [invoice for invoice in invoices if invoice.is_open]
    if received >= sum(invoice.remaining.minor for invoice in open_ones):
        assert len(parts) == len(open_ones)
    passed_over = {i.id for i in invoices} - {i.id for i in open_ones}
    assert {i.id for i in placed.passed_over} == passed_over


def test_an_invoice_that_another_attempt_is_awaited_for_gets_nothing() -> None:
    awaited, other = an_invoice(500), an_invoice(500)
    placed = split(brl(1_000), [awaited, other], awaited={awaited.id}, on=TODAY)
    assert [part.invoice.id for part in placed.parts] == [other.id]
    assert placed.credited == brl(500)
    assert placed.passed_over == (awaited,)


def test_a_payment_asks_for_all_that_credit_leaves() -> None:
    tomorrow = TODAY + timedelta(days=1)
    invoices = [
        an_invoice(10_000, allocated=3_000),
        an_invoice(2_500, due_on=tomorrow),
    ]
    asked = shares_of(quote(invoices, brl(7_100), use_credit=True))
    assert [(s.invoice_id, s.asked) for s in asked] == [(invoices[1].id, brl(2_400))]
    asked = shares_of(quote(invoices, brl(7_100), use_credit=False))
    assert [share.asked for share in asked] == [brl(7_000), brl(2_500)]


def test_methods_are_those_we_have_instructions_for() -> None:
    terms = PaymentTerms({"BRL": "Banco 001"})
    assert terms.methods("BRL") == BY_HAND
    assert terms.methods("USD") == ()
    assert terms.choose("deposit", "BRL") is PaymentMethod.DEPOSIT
    for method in ("card", "", "DEPOSIT", None):
        with pytest.raises(MethodNotOffered, match="bank_transfer, deposit"):
            terms.choose(method, "BRL")
    with pytest.raises(MethodNotOffered, match="none"):
        terms.choose("deposit", "USD")


@pytest.mark.parametrize("status", PaymentStatus)
def test_only_what_waits_gives_way(status: PaymentStatus) -> None:
    payment = a_payment(status=status)
    if status in ("requires_action", "awaiting_confirmation"):
        superseded = supersede(payment)
        assert superseded.status is PaymentStatus.CANCELLED
        assert superseded.version == payment.version + 1
    else:
        with pytest.raises(PaymentClearing):
            supersede(payment)


@pytest.mark.parametrize("status", PaymentStatus)
def test_finance_confirms_what_waits_or_was_given_up(status: PaymentStatus) -> None:
    payment = a_payment(status=status)
    confirmable = ("awaiting_confirmation", "cancelled", "failed", "expired")
    if status in confirmable:
        confirmed = confirm(payment, SEEN, now=NOW)
        assert confirmed.status is PaymentStatus.SUCCEEDED
        assert (confirmed.received, confirmed.bank_reference) == (brl(100), "E1")
    else:
        with pytest.raises(PaymentNotAwaited):
            confirm(payment, SEEN, now=NOW)


def test_finance_confirms_no_card() -> None:
    with pytest.raises(PaymentNotAwaited):
        confirm(a_payment(method=PaymentMethod.CARD), SEEN, now=NOW)


@pytest.mark.parametrize("amount", ["0", "0.00", "-1.00", "1.001", "NaN", "1,00", ""])
def test_what_no_bank_shows_is_refused_with_the_limits(amount: str) -> None:
    with pytest.raises(InvalidAmount, match=r"from 0\.01 BRL to 9999999999999\.99 BRL"):
        read_received(amount, "BRL", a_payment())


def test_instructions_are_in_the_customers_language_or_english() -> None:
    payment = a_payment(an_invoice(123_456))
    english = instructions(payment, " Bank 1 \n", "en")
    assert english.startswith("Transfer R$1,234.56 to:\n\nBank 1\n\nReference: CA-")
    portuguese = instructions(payment, "Bank 1", "pt-BR")
    assert "Transfira R$\N{NO-BREAK SPACE}1.234,56 para:" in portuguese
    assert instructions(payment, "Bank 1", "fr") == instructions(
        payment, "Bank 1", "en"
    )


def test_dates_do_not_matter_to_what_a_single_invoice_gets() -> None:
    placed = split(brl(50), [an_invoice(due_on=date(2020, 1, 1))], on=TODAY)
    assert placed.parts[0].amount == brl(50)
