"""What others rebuild from billing, and billing from others; the PDF of an invoice."""

import asyncio
from datetime import date

from services.billing.commands.states import current_invoices, current_services
from tests.integration.billing_orders.stage import Stage, a_registration


async def test_the_current_state_is_told_again_with_its_version(stage: Stage) -> None:
    ana = await stage.customer()
    active = await stage.active_service(ana, date(2027, 3, 5))
    pending = await ana.order()
    async with stage.db.reading() as tx:
        services = [await current_services(tx, None, 1)]
        services.append(await current_services(tx, services[0][0].subject, 5))
        invoices = await current_invoices(tx, None, 5)
    told = {str(e.subject): (e.TYPE, e.version) for page in services for e in page}
    assert told == {
        active["id"]: ("billing.service.activated.v1", 2),
        pending["service_ids"][0]: ("billing.service.ordered.v1", 1),
    }
    assert {str(event.subject): event.TYPE for event in invoices} == {
        active["order_id"] and (await ana.invoices())[0]["id"]: (
            "billing.invoice.paid.v1"
        ),
        pending["invoice_id"]: "billing.invoice.updated.v1",
    }


async def test_a_republished_customer_is_noted_and_causes_nothing(
    stage: Stage,
) -> None:
    ana = stage.stranger()
    order = await ana.order()
    await stage.deliver(a_registration(ana.principal), republished=True)
    assert (await ana.invoice(order["invoice_id"]))["status"] == "draft"
    await stage.deliver(a_registration(ana.principal, version=2))
    assert (await ana.invoice(order["invoice_id"]))["status"] == "open"


async def test_a_republished_state_mends_what_is_wrong_in_its_version(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice_id = (await ana.order())["invoice_id"]
    registered = a_registration(ana.principal)
    ticket = await stage.open_finance_ticket(ana, invoice_id)
    await stage.deliver(registered, republished=True)
    before = await kept(stage)
    async with stage.db.transaction() as tx:
        await tx.execute("UPDATE customers SET name = 'WRONG', country = 'US'")
        await tx.execute("UPDATE tickets SET status = 'closed', department = 'WRONG'")
    assert await kept(stage) != before
    await stage.deliver(registered, republished=True)
    await stage.deliver(ticket, republished=True)
    assert await kept(stage) == before
    assert (await ana.invoice(invoice_id))["status"] == "open"


async def kept(stage: Stage) -> list[list[str]]:
    """Return every row that billing has of others' objects."""
    async with stage.db.reading() as tx:
        pages = [
            await tx.fetch("SELECT t::text AS row FROM customers t ORDER BY id"),
            await tx.fetch("SELECT t::text AS row FROM tickets t ORDER BY id"),
        ]
    return [[row["row"] for row in page] for page in pages]


async def test_an_invoice_is_downloaded_as_pdf(stage: Stage) -> None:
    ana = await stage.customer(language="pt-BR")
    invoice_id = (await ana.order())["invoice_id"]
    invoice = await ana.invoice(invoice_id)
    answers = await asyncio.gather(
        *(ana.get(f"/invoices/{invoice_id}/pdf") for _ in range(8))
    )
    for answer in answers:
        assert answer.status == 200
        assert answer.content.startswith(b"%PDF-")
        assert answer.headers["Content-Type"] == "application/pdf"
        disposition = answer.headers["Content-Disposition"]
        assert disposition.startswith("attachment")
        assert f"{invoice['number']}.pdf" in disposition
