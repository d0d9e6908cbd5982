"""Many at once: the same money is never spent twice."""

import asyncio
from decimal import Decimal
from uuid import uuid4

from tests.e2e.journey import choose_transfer, confirm, order, register
from tests.e2e.stack import Stack


async def test_24_spends_at_once_never_overdraw_the_credit(stack: Stack) -> None:
    customer, finance = await register(stack.api), await stack.staff("finance")
    before = Decimal("50.00")
    money = {"amount": str(before), "currency": "BRL"}
    top_up = await customer.api.post("/credit/top-ups", {"amount": money})
    payment = await choose_transfer(customer, top_up["id"])
    await confirm(finance, payment, str(before), f"bank-{uuid4()}")
    invoices = [(await order(customer))["invoice_id"] for _ in range(4)]

    async def spend(number: int) -> Decimal:
        """Put 9.00 of credit towards one of the invoices; return what was spent."""
        wanted = {"amount": {"amount": "9.00", "currency": "BRL"}}
        path = f"/invoices/{invoices[number % 4]}/credit"
        status, answer = await customer.api.try_call("POST", path, wanted)
        assert status in (200, 201, 409, 422), answer
        return Decimal("9.00") if status in (200, 201) else Decimal(0)

    spent = sum(await asyncio.gather(*(spend(number) for number in range(24))))
    credit = await customer.api.get("/credit")
    [left] = [b for b in credit["balances"] if b["currency"] == "BRL"]
    # The invoices would take more than there is: the last spends must lose.
    assert spent == Decimal("45.00")
    assert spent + Decimal(left["amount"]) == before
    paid = [
        Decimal((await customer.api.get(f"/invoices/{id_}"))["paid"]["amount"])
        for id_ in invoices
    ]
    assert sum(paid) == spent


async def test_64_posts_with_one_key_open_one_ticket(stack: Stack) -> None:
    customer = await register(stack.api)
    key = str(uuid4())
    body = {
        "department": "support",
        "subject": "Only once",
        "message": "Please.",
        "priority": "low",
    }
    opened = await asyncio.gather(
        *(customer.api.post("/tickets", body, key=key) for _ in range(64))
    )
    assert len({ticket["protocol"] for ticket in opened}) == 1
    listed = await customer.api.get("/tickets?count=true")
    assert listed["total"] == 1
