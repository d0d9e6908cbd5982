"""Previews: what an order would ask for, to the cent, and nothing more than that."""

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.billing_orders.stage import CATALOGUE, Person, Stage

#: Everything that is sold in BRL, as (product, period).
SOLD = [
    (product["slug"], price["period"])
    for product in CATALOGUE["products"]
    for price in product["prices"]
    if price["currency"] == "BRL"
]
LABELS = st.none() | st.sampled_from(["shop.example", "Padaria São João", "<b>"])
#: Nothing, or what a top-up may add.
CREDIT = st.none() | st.integers(1000, 500_000).map(lambda m: str(Decimal(m) / 100))


def an_item(sold: tuple[str, str], quantity: int, label: str | None) -> dict[str, Any]:
    product, period = sold
    return {"product": product, "period": period, "quantity": quantity, "label": label}


ITEMS = st.builds(an_item, st.sampled_from(SOLD), st.integers(1, 20), LABELS)


async def preview(person: Person, **body: Any) -> Any:
    answer = await person.post("/orders/preview", body)
    assert answer.status == 200, answer.body
    return answer.body


@settings(
    max_examples=30,
    deadline=None,
    # The stage stays; every example is about a customer of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    items=st.lists(ITEMS, min_size=1, max_size=4),
    credit=CREDIT,
    use_credit=st.booleans(),
)
async def test_the_invoice_asks_for_what_the_preview_said(
    stage: Stage, items: list[Any], credit: str | None, *, use_credit: bool
) -> None:
    ana = await stage.customer()
    if credit:
        await stage.add_credit(ana, f"{Decimal(credit):.2f}")
    said = await preview(ana, items=items, use_credit=use_credit)
    assert Decimal(said["credit_available"]["amount"]) == await ana.credit()

    order = await ana.order(*items, use_credit=use_credit, expected=said["total"])

    invoice = await ana.invoice(order["invoice_id"])
    assert invoice["issued_on"] is not None
    for sum_ in ("subtotal", "tax", "total", "remaining"):
        assert said[sum_] == invoice[sum_], sum_
    assert said["total"] == order["total"]
    assert said["credit_used"] == invoice["paid"]
    lines = [Decimal(line["total"]["amount"]) for line in said["lines"]]
    assert sum(lines) == Decimal(invoice["total"]["amount"])


async def test_a_line_says_what_a_piece_costs_and_what_all_of_them_do(
    stage: Stage,
) -> None:
    ana = await stage.customer(language="pt-BR")
    items = [
        {"product": "start", "period": "annual", "quantity": 2, "label": "loja"},
        {"product": "certificate", "period": "one_time"},
    ]
    said = await preview(ana, items=items)
    assert [
        [line["quantity"]]
        + [line[sum_]["amount"] for sum_ in ("unit", "setup_fee", "total")]
        for line in said["lines"]
    ] == [[2, "299.00", "15.50", "629.00"], [1, "80.00", "0.00", "80.00"]]
    assert [line["description"] for line in said["lines"]] == [
        "Web Start (loja), um ano, a partir da ativação",
        "Certificado",
    ]


async def test_a_preview_changes_nothing_and_works_before_accounts_has_told(
    stage: Stage,
) -> None:
    stranger = stage.stranger()
    said = await preview(stranger, items=[{"product": "start", "period": "monthly"}])
    assert said["remaining"] == said["total"] == {"amount": "29.90", "currency": "BRL"}
    async with stage.db.reading() as tx:
        counted = await tx.fetchval(
            "SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM services)"
            " + (SELECT count(*) FROM customers) + (SELECT count(*) FROM outbox)"
        )
    assert counted == 0


async def test_only_who_may_order_may_preview(stage: Stage) -> None:
    biller = await stage.customer("billing")
    item = {"product": "start", "period": "monthly"}
    answer = await biller.post("/orders/preview", {"items": [item]})
    assert answer.status == 403
