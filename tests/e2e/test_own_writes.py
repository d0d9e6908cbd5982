"""Clients read their own writes, although events travel slowly."""

from collections.abc import AsyncGenerator, Generator
from uuid import uuid4

import pytest

from tests.e2e.journey import cheapest_monthly, choose_transfer, confirm, register
from tests.e2e.stack import Product, Stack, open_folder, running_product, visiting

#: Every event is held back so long: less than the two seconds that a call may wait.
DELAY_SECONDS = 0.8


@pytest.fixture(scope="module")
def product() -> Generator[Product]:
    delay = {"RELAY_DELAY_SECONDS": str(DELAY_SECONDS)}
    with open_folder() as folder, running_product(folder / "data", delay) as product:
        yield product


@pytest.fixture
async def stack(product: Product) -> AsyncGenerator[Stack]:
    async with visiting(product) as stack:
        yield stack
        assert await stack.audit() == ""


async def test_nothing_is_unknown_because_an_event_is_travelling(stack: Stack) -> None:
    finance = await stack.staff("finance")
    customer = await register(stack.api)
    product = await cheapest_monthly(customer.api)
    items = [{"product": product["slug"], "period": "monthly"}]

    placed = await customer.api.post("/orders", {"items": items}, expect=201)
    ticket = {
        "department": "support",
        "subject": "When will it be ready?",
        "message": "I have just ordered this.",
        "priority": "low",
        "service_ids": placed["service_ids"],
        "invoice_id": placed["invoice_id"],
    }
    opened = await customer.api.post("/tickets", ticket, expect=201)
    assert opened["service_ids"] == placed["service_ids"]

    payment = await choose_transfer(customer, placed["invoice_id"])
    invoice = await customer.api.get(f"/invoices/{placed['invoice_id']}")
    assert invoice["status"] == "open"
    proof = {**ticket, "department": "finance", "subject": "My proof"}
    opened = await customer.api.post("/tickets", proof, expect=201)
    paid = await confirm(
        finance,
        payment,
        invoice["total"]["amount"],
        f"bank-{uuid4()}",
        ticket_id=opened["id"],
    )
    assert paid["status"] == "succeeded"


async def test_an_unknown_and_a_foreign_object_are_told_alike(stack: Stack) -> None:
    owner, other = await register(stack.api), await register(stack.api)
    product = await cheapest_monthly(owner.api)
    items = [{"product": product["slug"], "period": "monthly"}]
    placed = await owner.api.post("/orders", {"items": items})
    problems: list[object] = []
    for service_id in (placed["service_ids"][0], str(uuid4())):
        status, problem = await other.api.try_call(
            "POST",
            "/tickets",
            {
                "department": "support",
                "subject": "About this",
                "message": "Hello",
                "priority": "low",
                "service_ids": [service_id],
            },
        )
        assert status == 422
        problems.append([problem["type"], problem["errors"]])
    assert problems[0] == problems[1]
