"""How much credit may be added, and how much an invoice takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import RuleViolated
from chassis.money import Money
from services.billing.domain.credit import (
    CreditCantPay,
    CreditTerms,
    TopUpLimits,
    TopUpRefused,
    amount_on_due_date,
    amount_to_apply,
    check_room,
    read_top_up,
)
from services.billing.domain.invoices import (
    InvoiceKind,
    InvoiceNotOpen,
    InvoiceStatus,
)
from services.billing.domain.ledger import CreditTooLow
from tests.unit.billing_money.builders import an_invoice, brl

LIMITS = TopUpLimits(brl(1_000), brl(500_000), brl(1_000_000))
TERMS = CreditTerms({"BRL": LIMITS})
IN_FULL = CreditTerms({"BRL": LIMITS}, in_part=False)


@pytest.mark.parametrize(
    "amount", ["0", "-10.00", "NaN", "10.001", "9.99", "5000.01", "1e3", "٣٠", ""]
)
def test_a_top_up_outside_the_limits_is_refused_and_told_them(amount: str) -> None:
    with pytest.raises(TopUpRefused) as refused:
        read_top_up(amount, "BRL", TERMS)
    assert "from 10.00 BRL to 5000.00 BRL" in refused.value.detail
    assert "at most 10000.00 BRL" in refused.value.detail
    assert refused.value.errors[0].field == "amount.amount"


@pytest.mark.parametrize("amount", ["10", "10.00", "4999.99", "5000.00"])
def test_a_top_up_within_the_limits_is_read(amount: str) -> None:
    assert read_top_up(amount, "BRL", TERMS) == Money.parse(amount, "BRL")


def test_a_currency_without_limits_holds_no_credit() -> None:
    with pytest.raises(TopUpRefused, match="BRL") as refused:
        read_top_up("20.00", "USD", TERMS)
    assert refused.value.errors[0].field == "amount.currency"


@given(*(st.integers(min_value=0, max_value=900_000) for _ in range(3)))
def test_all_that_may_come_counts_towards_the_maximum(
    held: int, coming: int, wanted: int
) -> None:
    amounts = {"held": brl(held), "coming": brl(coming)}
    if held + coming + wanted > 1_000_000:
        with pytest.raises(TopUpRefused):
            check_room(brl(wanted), **amounts, terms=TERMS)
    else:
        check_room(brl(wanted), **amounts, terms=TERMS)


@given(
    remaining=st.integers(min_value=1, max_value=1000),
    balance=st.integers(min_value=0, max_value=1000),
    wanted=st.none() | st.integers(min_value=-5, max_value=1100),
)
def test_an_invoice_takes_what_is_wanted_there_and_remains(
    remaining: int, balance: int, wanted: int | None
) -> None:
    invoice = an_invoice(1000, allocated=1000 - remaining)
    asked = None if wanted is None else brl(wanted)
    if wanted is not None and not 1 <= wanted <= remaining:
        with pytest.raises(RuleViolated):
            amount_to_apply(invoice, brl(balance), asked)
    elif balance < (wanted or 1):
        with pytest.raises(CreditTooLow):
            amount_to_apply(invoice, brl(balance), asked)
    else:
        taken = amount_to_apply(invoice, brl(balance), asked)
        assert taken == brl(wanted or min(balance, remaining))


def test_credit_pays_no_top_up_and_nothing_that_is_not_open() -> None:
    with pytest.raises(CreditCantPay):
        amount_to_apply(an_invoice(kind=InvoiceKind.TOP_UP), brl(1), None)
    for status in set(InvoiceStatus) - {InvoiceStatus.OPEN}:
        with pytest.raises(InvoiceNotOpen):
            amount_to_apply(an_invoice(status=status), brl(1), None)


@given(balance=st.integers(min_value=0, max_value=20_000))
def test_the_due_date_takes_a_part_only_where_the_terms_say_so(balance: int) -> None:
    invoice = an_invoice(10_000)
    assert amount_on_due_date(invoice, brl(balance), TERMS) == brl(min(balance, 10_000))
    in_full = amount_on_due_date(invoice, brl(balance), IN_FULL)
    assert in_full == brl(10_000 if balance >= 10_000 else 0)
