"""The whole way of an event: outbox, relay, RabbitMQ, inbox, effect, mail's event."""

import asyncio
from pathlib import Path

from services.tickets.app import PROCESS
from tests.conftest import MakeQueues
from tests.integration.tickets.stage import (
    Person,
    a_payment,
    a_registration,
    an_invoice,
    staged,
)
from tests.support.databases import ServiceDatabase
from tests.support.running import running
from tests.support.tokens import a_customer

WAIT_SECONDS = 60


async def until_closed(person: Person, ticket: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while (await person.get(f"/tickets/{ticket}")).body["status"] != "closed":
            await asyncio.sleep(0.05)


async def test_a_payment_that_billing_announces_closes_the_ticket(
    database: ServiceDatabase, make_queues: MakeQueues, tmp_path: Path
) -> None:
    amqp_url = await make_queues(PROCESS)
    ana = a_customer()
    customer = a_registration(ana)
    invoice = an_invoice(customer.customer_id)
    async with (
        running(
            PROCESS,
            database_url=database.url,
            amqp_url=amqp_url,
            blobs_dir=tmp_path,
            parts=frozenset({"http", "relay", "consumers"}),
        ) as tickets,
        staged(tickets) as stage,
    ):
        for producer in ("accounts", "billing"):
            await stage.mark(producer, complete=False)
        await tickets.announce(customer, invoice)
        person = Person(ana, stage.http)
        opened = await person.open_ticket(
            department="finance", invoice_id=str(invoice.invoice_id)
        )
        assert opened.status == 201
        share = (invoice.invoice_id, "100.00", "0.00")
        await tickets.announce(a_payment(customer.customer_id, share))
        await until_closed(person, opened.body["id"])
        assert await stage.types_of(opened.body["id"]) == [
            "opened",
            "answered",
            "closed",
        ]
