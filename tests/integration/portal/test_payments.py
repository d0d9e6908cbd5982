"""A payment by hand on its customer's pages: never said to be further than it is."""

import pytest

from tests.e2e.journey import choose_transfer, open_invoice, order, send_proof
from tests.integration.portal.conftest import NewCustomer, Seated


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
