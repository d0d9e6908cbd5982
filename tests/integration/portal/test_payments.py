"""A payment by hand on its customer's pages: never said to be further than it is."""

import pytest

from tests.e2e.client import until
from tests.e2e.journey import (
    choose_transfer,
    confirm,
    open_invoice,
    order,
    send_proof,
)
from tests.e2e.stack import Stack
from tests.integration.portal.conftest import NewCustomer, OpenBrowser, Seated


async def said_everywhere(seated: Seated, payment_id: str, invoice_id: str) -> set[str]:
    """Return what the pages with the payment call its state."""
    paths = (
        "/payments",
        f"/payments/{payment_id}",
        "/invoices",
        f"/invoices/{invoice_id}",
    )
    pages = [await seated.browser.get(path) for path in paths]
    assert all("Received" not in page.said for page in pages)
    states = ("Waiting for your payment", "Awaiting confirmation")
    return {state for page in pages for state in states if state in page.said}


async def test_a_payment_awaits_its_confirmation_once_its_proof_is_sent(
    seated: Seated,
) -> None:
    bought = await order(seated.customer)
    invoice = await open_invoice(seated.customer, bought["invoice_id"])
    payment = await choose_transfer(seated.customer, invoice["id"])
    ids = (payment["id"], invoice["id"])
    assert await said_everywhere(seated, *ids) == {"Waiting for your payment"}
    ticket = await send_proof(seated.customer, invoice["id"])
    assert await said_everywhere(seated, *ids) == {"Awaiting confirmation"}
    await seated.customer.api.post(f"/tickets/{ticket['id']}/close", {})
    assert await said_everywhere(seated, *ids) == {"Waiting for your payment"}


@pytest.mark.parametrize(
    ("language", "state"),
    [("en", "Waiting for your payment"), ("pt-BR", "Aguardando seu pagamento")],
)
async def test_what_is_waited_for_is_said_in_the_reader_s_language(
    new_customer: NewCustomer, language: str, state: str
) -> None:
    seated = await new_customer(language=language)
    bought = await order(seated.customer)
    invoice = await open_invoice(seated.customer, bought["invoice_id"])
    await choose_transfer(seated.customer, invoice["id"])
    assert state in (await seated.browser.get("/payments")).said


async def test_money_that_was_sent_for_what_credit_has_paid_is_booked_as_credit(
    stack: Stack, seated: Seated, open_browser: OpenBrowser
) -> None:
    ana, finance = seated.customer, await stack.staff("finance")
    bought = await order(ana)
    invoice = await open_invoice(ana, bought["invoice_id"])
    amount = invoice["remaining"]
    payment = await choose_transfer(ana, invoice["id"])
    ticket = await send_proof(ana, invoice["id"])
    top_up = await ana.api.post("/credit/top-ups", {"amount": amount})
    funds = await choose_transfer(ana, top_up["id"])
    await confirm(finance, funds, amount["amount"], f"funds {top_up['id']}")
    await ana.api.post(f"/invoices/{invoice['id']}/credit", {})
    await until_said(seated, ticket["id"], "this ticket stays open")
    staff = open_browser()
    [login] = [each for each in stack.demo["logins"] if each["role"] == "finance"]
    await staff.log_in(login["email"], login["password"])
    shown = await staff.get(f"/staff/tickets/{ticket['id']}")
    assert "ele vira crédito do cliente" in shown.said
    assert f"Confirmar {payment['reference']}" in shown.said
    path = f"/staff/payments/{payment['id']}"
    page = await staff.get(f"{path}?ticket={ticket['id']}")
    booked = await staff.submit(page, path, bank_reference=f"late {payment['id']}")
    assert booked.location == path
    await until_said(seated, ticket["id"], "became credit in your account")
    closed = await ana.api.get(f"/tickets/{ticket['id']}")
    assert closed["status"] == "closed"
    assert (await ana.api.get("/credit"))["balances"] == [amount]


async def until_said(seated: Seated, ticket_id: str, words: str) -> None:
    async def is_said() -> bool:
        ticket = await seated.customer.api.get(f"/tickets/{ticket_id}")
        return any(words in message["text"] for message in ticket["messages"])

    await until(is_said, what=f"the ticket says: {words}")
