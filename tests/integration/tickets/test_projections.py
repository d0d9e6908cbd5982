"""What tickets knows of others: never older than what it knew, and rebuilt at will."""

import random
from uuid import UUID

from chassis.db import Record
from chassis.ids import uuid7
from contracts.events import accounts, billing
from services.tickets.commands.states import current_tickets
from services.tickets.seed import seed
from services.tickets.settings import SETTINGS
from tests.integration.tickets.stage import (
    DEPARTMENTS,
    Stage,
    a_registration,
    a_service,
    an_invoice,
)
from tests.support.tokens import a_customer


async def customer_row(stage: Stage, customer_id: UUID) -> Record | None:
    async with stage.db.reading() as tx:
        return await tx.fetchrow("SELECT * FROM customers WHERE id = $1", customer_id)


async def test_events_out_of_order_never_take_a_projection_back(stage: Stage) -> None:
    principal = a_customer()
    events = [
        a_registration(principal, name=f"Name {n}", version=n) for n in range(1, 8)
    ]
    shuffled = events * 2
    random.Random(7).shuffle(shuffled)  # noqa: S311 - a repeatable disorder
    newest = 0
    for event in shuffled:
        await stage.deliver(event)
        newest = max(newest, event.version)
        row = await customer_row(stage, event.customer_id)
        assert row is not None
        assert (row["version"], row["name"]) == (newest, f"Name {newest}")


async def test_every_projection_keeps_the_newest_version(stage: Stage) -> None:
    ana, bob = await stage.customer(), await stage.customer()
    service, invoice = a_service(ana.customer_id), an_invoice(ana.customer_id)
    told = [
        a_service(bob.customer_id, service_id=service.service_id, version=3),
        service,
        an_invoice(bob.customer_id, invoice_id=invoice.invoice_id, version=2),
        invoice,
    ]
    for event in told:
        await stage.deliver(event)
    opened = await bob.open_ticket(
        service_ids=[str(service.service_id)], invoice_id=str(invoice.invoice_id)
    )
    refused = await ana.open_ticket(service_ids=[str(service.service_id)])
    assert (opened.status, refused.status) == (201, 422)


async def test_a_republished_state_rebuilds_a_lost_projection(stage: Stage) -> None:
    principal = a_customer()
    event = a_registration(principal, version=4)
    await stage.deliver(event)
    async with stage.db.transaction() as tx:
        await tx.execute("DELETE FROM customers")
    await stage.deliver(event, republished=True)
    row = await customer_row(stage, event.customer_id)
    assert row is not None
    assert row["version"] == 4


async def test_a_republished_state_mends_what_is_wrong_in_its_version(
    stage: Stage,
) -> None:
    principal, ana = a_customer(), await stage.customer()
    service, invoice = a_service(ana.customer_id), an_invoice(ana.customer_id)
    member = accounts.StaffMemberAdded(
        version=1,
        user_id=uuid7(),
        name="Sam",
        email="sam@example.com",
        role="support",
        language="en",
        active=True,
    )
    told = [a_registration(principal), member, service, invoice]
    for event in told:
        await stage.deliver(event)
    before = await kept(stage)
    async with stage.db.transaction() as tx:
        await tx.execute("UPDATE customers SET name = 'WRONG', language = 'pt-BR'")
        await tx.execute("UPDATE staff_members SET name = 'WRONG'")
        await tx.execute("UPDATE services SET customer_id = gen_random_uuid()")
        await tx.execute("UPDATE invoices SET customer_id = gen_random_uuid()")
    await stage.deliver(a_registration(ana.principal), republished=True)
    for event in told:
        await stage.deliver(event, republished=True)
    assert await kept(stage) == before


async def kept(stage: Stage) -> list[list[str]]:
    """Return every row that tickets has of others' objects."""
    async with stage.db.reading() as tx:
        pages = [
            await tx.fetch("SELECT t::text AS row FROM customers t ORDER BY id"),
            await tx.fetch("SELECT t::text AS row FROM staff_members t ORDER BY id"),
            await tx.fetch("SELECT t::text AS row FROM services t ORDER BY id"),
            await tx.fetch("SELECT t::text AS row FROM invoices t ORDER BY id"),
        ]
    return [[row["row"] for row in page] for page in pages]


async def test_a_renamed_person_is_shown_by_the_new_name(stage: Stage) -> None:
    ana = await stage.customer(name="Ana")
    renamed = a_registration(ana.principal, name="Ana Maria", version=2)
    await stage.deliver(accounts.CustomerUpdated.model_validate(renamed.model_dump()))
    opened = await ana.open_ticket()
    shown = await ana.get(f"/tickets/{opened.body['id']}")
    assert shown.body["messages"][0]["author"]["name"] == "Ana Maria"


async def test_the_state_of_every_customers_ticket_can_be_sent_again(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    opened = [(await ana.open_ticket()).body["id"] for _ in range(3)]
    await ana.post(f"/tickets/{opened[1]}/close")
    sent: list[tuple[str, str, int]] = []
    after: UUID | None = None
    async with stage.db.reading() as tx:
        while page := await current_tickets(tx, after, 2):
            sent += [(str(e.subject), type(e).__name__, e.version) for e in page]
            after = page[-1].subject
    assert sent == [
        (opened[0], "TicketReopened", 1),
        (opened[1], "TicketClosed", 2),
        (opened[2], "TicketReopened", 1),
    ]


async def test_the_business_clock_follows_billing(stage: Stage) -> None:
    clock_id = UUID(int=1)
    await stage.deliver(
        billing.ClockMoved(version=1, clock_id=clock_id, shift_seconds=86400.0)
    )
    async with stage.db.reading() as tx:
        assert await tx.fetchval("SELECT shift_seconds FROM business_clock") == 86400.0


async def test_seeding_twice_changes_nothing_and_follows_the_file(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    before = (await ana.get("/departments")).body
    settings = stage.resources[SETTINGS]
    await seed(stage.db, stage.clock, settings, DEPARTMENTS)
    assert (await ana.get("/departments")).body == before
