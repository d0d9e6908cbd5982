"""Whatever is killed in the middle of the slice: it completes, and all agrees."""

from collections.abc import AsyncGenerator, Generator
from uuid import uuid4

import pytest

from tests.e2e.client import until
from tests.e2e.journey import (
    Customer,
    choose_transfer,
    confirm,
    open_invoice,
    order,
    register,
    send_proof,
)
from tests.e2e.stack import (
    PROCESSES,
    Product,
    Stack,
    open_folder,
    running_product,
    visiting,
)

VICTIMS = (*PROCESSES, "rabbitmq", "postgres")


@pytest.fixture(scope="module")
def product() -> Generator[Product]:
    """A product of these tests' own: others must not see their servers die."""
    with open_folder() as folder, running_product(folder / "data") as product:
        yield product


@pytest.fixture
async def stack(product: Product) -> AsyncGenerator[Stack]:
    async with visiting(product) as stack:
        yield stack
        assert await stack.audit() == ""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", VICTIMS)
async def test_the_slice_completes_although_one_part_is_killed_at_every_step(
    stack: Stack, victim: str
) -> None:
    """Before each step the victim dies; every call is repeated with its key."""
    customer = await register(stack.api)
    finance = await stack.staff("finance")

    await _kill(stack, victim)
    placed = await order(customer)
    invoice = await open_invoice(customer, placed["invoice_id"])

    await _kill(stack, victim)
    payment = await choose_transfer(customer, invoice["id"])
    ticket = await send_proof(customer, invoice["id"])

    await _kill(stack, victim)
    amount = invoice["total"]["amount"]
    await confirm(finance, payment, amount, f"bank-{uuid4()}")
    await _kill(stack, victim)

    await _is_served(customer, placed["service_ids"][0])
    await _is_closed(customer, ticket["id"])
    mail = await stack.mailbox.wait_for(customer.email, invoice["number"])
    assert invoice["number"] in mail["Text"]


async def _kill(stack: Stack, victim: str) -> None:
    before = stack.product.pid(victim)
    stack.product.kill(victim)

    async def is_another() -> bool:
        return stack.product.pid(victim) not in (before, None)

    await until(is_another, what=f"{victim} is started again")


async def _is_served(customer: Customer, service_id: str) -> None:
    service = await customer.api.get(f"/services/{service_id}")
    assert service["status"] == "active"


async def _is_closed(customer: Customer, ticket_id: str) -> None:
    async def closed() -> bool:
        ticket = await customer.api.get(f"/tickets/{ticket_id}")
        return ticket["status"] == "closed"

    await until(closed, what="the ticket is closed")
    messages = (await customer.api.get(f"/tickets/{ticket_id}"))["messages"]
    assert len(messages) == 2
