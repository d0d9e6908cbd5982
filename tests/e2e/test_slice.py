"""The slice from registration to a paid invoice, through the gateway alone."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.e2e.client import Api, month_after, until
from tests.e2e.journey import (
    buy,
    choose_transfer,
    confirm,
    open_invoice,
    order,
    register,
    send_proof,
    verify,
)
from tests.e2e.stack import Stack


async def test_a_visitor_orders_pays_by_transfer_with_a_proof_and_is_served(
    stack: Stack,
) -> None:
    customer = await register(stack.api)
    await verify(stack.api, stack.mailbox, customer)

    dashboard = await customer.api.get("/dashboard")
    assert dashboard["unavailable"] == []
    assert dashboard["contact"]["email"] == customer.email
    assert dashboard["contact"]["email_verified"] is True
    assert dashboard["domains"] == []
    assert dashboard["news"]
    assert dashboard["counts"] == {
        "services": 0,
        "domains": 0,
        "open_invoices": 0,
        "open_tickets": 0,
    }

    placed = await order(customer)
    invoice = await open_invoice(customer, placed["invoice_id"])
    assert invoice["total"] == placed["total"]
    assert invoice["remaining"] == invoice["total"]
    pdf = await customer.api.get(f"/invoices/{invoice['id']}/pdf")
    assert pdf.startswith(b"%PDF-")

    payment = await choose_transfer(customer, invoice["id"])
    assert payment["status"] == "awaiting_confirmation"
    assert payment["amount"] == invoice["total"]
    reference = payment["next_action"]["reference"]
    assert reference in payment["next_action"]["instructions"]

    ticket = await send_proof(customer, invoice["id"])
    finance = await stack.staff("finance")
    seen = await finance.get(f"/staff/tickets/{ticket['id']}")
    assert seen["protocol"] == ticket["protocol"]
    [proof] = seen["messages"][0]["attachments"]
    assert await finance.get(f"/attachments/{proof['id']}")

    amount = invoice["total"]["amount"]
    await confirm(finance, payment, amount, f"bank-{uuid4()}")

    paid = await customer.api.get(f"/invoices/{invoice['id']}")
    assert paid["status"] == "paid"
    assert Decimal(paid["remaining"]["amount"]) == 0
    service = await customer.api.get(f"/services/{placed['service_ids'][0]}")
    assert service["status"] == "active"
    today = date.fromisoformat((await stack.clock())["now"][:10])
    assert abs(date.fromisoformat(service["paid_until"]) - month_after(today)) <= (
        timedelta(days=3)
    )
    assert service["next_due_on"] == service["paid_until"]

    async def ticket_closed() -> bool:
        now = await customer.api.get(f"/tickets/{ticket['id']}")
        return now["status"] == "closed" and len(now["messages"]) == 2

    await until(ticket_closed, what="the ticket is answered and closed")

    for subject in (
        invoice["number"],
        reference,
        ticket["protocol"],
        "active",
        "payment|paid|received",
    ):
        await stack.mailbox.wait_for(customer.email, subject)


async def test_more_than_asked_becomes_credit_which_pays_the_next_invoice_first(
    stack: Stack,
) -> None:
    customer, finance = await register(stack.api), await stack.staff("finance")
    placed = await order(customer)
    invoice = await open_invoice(customer, placed["invoice_id"])
    payment = await choose_transfer(customer, invoice["id"])
    total = Decimal(invoice["total"]["amount"])
    await confirm(finance, payment, str(total + 10), f"bank-{uuid4()}")

    assert await balance(customer.api) == Decimal("10.00")

    second = await order(customer)
    await open_invoice(customer, second["invoice_id"])
    await customer.api.post(f"/invoices/{second['invoice_id']}/credit", {})
    rest = await customer.api.get(f"/invoices/{second['invoice_id']}")
    assert Decimal(rest["remaining"]["amount"]) == total - 10
    assert await balance(customer.api) == 0
    payment = await choose_transfer(customer, rest["id"])
    assert payment["amount"] == rest["remaining"]


async def test_less_than_asked_is_a_part_and_the_ticket_says_what_remains(
    stack: Stack,
) -> None:
    customer, finance = await register(stack.api), await stack.staff("finance")
    placed = await order(customer)
    invoice = await open_invoice(customer, placed["invoice_id"])
    payment = await choose_transfer(customer, invoice["id"])
    ticket = await send_proof(customer, invoice["id"])
    await confirm(finance, payment, "5.00", f"bank-{uuid4()}")

    short = await customer.api.get(f"/invoices/{invoice['id']}")
    assert short["status"] == "open"
    assert Decimal(short["paid"]["amount"]) == 5

    async def answered() -> dict[str, object] | None:
        now = await customer.api.get(f"/tickets/{ticket['id']}")
        return now if len(now["messages"]) == 2 else None

    seen = await until(answered, what="the ticket is answered")
    assert seen["status"] != "closed"
    remaining = short["remaining"]["amount"]
    assert remaining in seen["messages"][1]["text"]


async def test_a_top_up_paid_by_transfer_is_credit_and_credit_pays_an_order(
    stack: Stack,
) -> None:
    customer, finance = await register(stack.api), await stack.staff("finance")
    amount = {"amount": "50.00", "currency": "BRL"}
    top_up = await customer.api.post("/credit/top-ups", {"amount": amount})
    top_up = await open_invoice(customer, top_up["id"])
    assert await balance(customer.api) == 0
    payment = await choose_transfer(customer, top_up["id"])
    await confirm(finance, payment, "50.00", f"bank-{uuid4()}")
    assert await balance(customer.api) == 50

    placed = await order(customer, use_credit=True)
    invoice = await customer.api.get(f"/invoices/{placed['invoice_id']}")
    spent = Decimal(invoice["paid"]["amount"])
    assert spent == min(Decimal(50), Decimal(invoice["total"]["amount"]))
    assert await balance(customer.api) == 50 - spent

    movements = (await customer.api.get("/credit/statement"))["items"]
    assert len(movements) == 2


async def test_staff_confirm_once_per_bank_reference(stack: Stack) -> None:
    customer, finance = await register(stack.api), await stack.staff("finance")
    reference = f"bank-{uuid4()}"
    service = await buy(customer, finance, reference)
    assert service["status"] == "active"
    placed = await order(customer)
    payment = await choose_transfer(customer, placed["invoice_id"])
    status, problem = await finance.try_call(
        "POST",
        f"/staff/payments/{payment['id']}/confirmation",
        {"amount": payment["amount"], "bank_reference": reference},
    )
    assert status == 409
    assert problem["type"].endswith("BankReferenceUsed")


@pytest.mark.parametrize("role", ["support", "customer"])
async def test_only_finance_confirms(stack: Stack, role: str) -> None:
    customer = await register(stack.api)
    caller = customer.api if role == "customer" else await stack.staff(role)
    body = {"amount": {"amount": "1.00", "currency": "BRL"}, "bank_reference": "x"}
    path = f"/staff/payments/{uuid4()}/confirmation"
    status, _ = await caller.try_call("POST", path, body)
    assert status == 403


async def balance(api: Api) -> Decimal:
    credit = await api.get("/credit")
    found = [Decimal(b["amount"]) for b in credit["balances"] if b["currency"] == "BRL"]
    return found[0] if found else Decimal(0)
