"""What the chosen invoices come to, and what a page carries of it."""

from datetime import UTC, date, datetime
from typing import Literal
from uuid import UUID

import pytest

from chassis.errors import NotFound
from chassis.money import Money
from contracts.api.billing.invoices import InvoiceView
from contracts.money import MoneyModel
from gateway.portal.views.paying import Quote, Share, read_ids, spread_credit

FIRST, SECOND, THIRD = (UUID(int=number) for number in (1, 2, 3))


def brl(amount: str) -> Money:
    return Money.parse(amount, "BRL")


def an_invoice(
    id_: UUID,
    remaining: str,
    *,
    due_on: date = date(2026, 3, 1),
    kind: Literal["service", "top_up"] = "service",
) -> InvoiceView:
    amount, nothing = MoneyModel.of(brl(remaining)), MoneyModel.of(brl("0.00"))
    return InvoiceView(
        id=id_,
        number="2026-000001",
        kind=kind,
        status="open",
        customer_id=UUID(int=9),
        order_id=None,
        issued_on=date(2026, 2, 19),
        due_on=due_on,
        overdue=False,
        paid_on=None,
        lines=[],
        subtotal=amount,
        tax=nothing,
        total=amount,
        paid=nothing,
        credit_applied=nothing,
        remaining=amount,
        payment_methods=["deposit"],
        buyer=None,
        seller=None,
        created_at=datetime(2026, 2, 19, tzinfo=UTC),
    )


def test_a_hundred_with_thirty_of_credit_leaves_seventy() -> None:
    shares = spread_credit([an_invoice(FIRST, "100.00")], brl("30.00"))
    quote = Quote(shares=shares, currencies=frozenset({"BRL"}))
    assert quote.rest == MoneyModel(amount="70.00", currency="BRL")
    assert quote.needs_method


def test_credit_goes_to_the_oldest_due_first() -> None:
    invoices = [
        an_invoice(FIRST, "50.00", due_on=date(2026, 3, 9)),
        an_invoice(SECOND, "20.00", due_on=date(2026, 3, 1)),
        an_invoice(THIRD, "20.00", due_on=date(2026, 3, 5)),
    ]
    shares = spread_credit(invoices, brl("30.00"))
    taken = {share.invoice_id: share.credit for share in shares}
    assert taken == {SECOND: brl("20.00"), THIRD: brl("10.00"), FIRST: brl("0.00")}


def test_credit_pays_no_top_up() -> None:
    invoices = [an_invoice(FIRST, "50.00", kind="top_up"), an_invoice(SECOND, "50.00")]
    shares = spread_credit(invoices, brl("80.00"))
    assert [share.credit for share in shares] == [brl("0.00"), brl("50.00")]


def test_credit_that_covers_all_needs_no_method() -> None:
    shares = spread_credit([an_invoice(FIRST, "50.00")], brl("80.00"))
    quote = Quote(shares=shares, currencies=frozenset({"BRL"}))
    assert quote.rest == MoneyModel(amount="0.00", currency="BRL")
    assert not quote.needs_method


def test_a_page_carries_what_it_showed() -> None:
    share = Share(FIRST, brl("100.00"), brl("30.00"))
    assert Share.read(share.mark) == share


@pytest.mark.parametrize(
    "mark", ["", "x", f"{FIRST} 1.00 0.00", f"{FIRST} 1e9 0 BRL", f"{FIRST} 1 1 ZZZ"]
)
def test_what_no_page_of_ours_carried_is_nothing(mark: str) -> None:
    assert Share.read(mark) is None


def test_only_the_sum_that_was_shown_still_holds_or_what_came_of_it() -> None:
    share = Share(FIRST, brl("100.00"), brl("30.00"))
    assert share.agrees_with(brl("100.00"))
    assert share.agrees_with(brl("70.00"))
    assert not share.agrees_with(brl("60.00"))
    assert not share.agrees_with(brl("0.00"))


def test_ids_are_read_once_each_and_nonsense_leads_nowhere() -> None:
    assert read_ids([str(FIRST), str(SECOND), str(FIRST)]) == [FIRST, SECOND]
    with pytest.raises(NotFound):
        read_ids(["all of them"])
