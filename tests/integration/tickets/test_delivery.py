"""The whole way of an event: outbox, relay, RabbitMQ, inbox, effect, mail's event."""

import asyncio
from pathlib import Path

from services.tickets.app import PROCESS
from tests.conftest import MakeDatabase, MakeQueues
from tests.integration.tickets.stage import (
    Person,
    a_payment,
    a_registration,
    an_invoice,
    staged,
)
from tests.support.running import running
from tests.support.tokens import a_customer


async def closed_within(seconds: float, person: Person, ticket: str) -> bool:
    async with asyncio.timeout(seconds):
        while True:
            shown = await person.get(f"/tickets/{ticket}")
            if shown.body["status"] == "closed":
                return True
            await asyncio.sleep(0.05)


async def test_a_payment_that_billing_announces_closes_the_ticket(
    make_database: MakeDatabase, make_queues: MakeQueues, tmp_path: Path
) -> None:
    database, amqp_url = await make_database(PROCESS), await make_queues(PROCESS)
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
        assert await closed_within(20, person, opened.body["id"])
        assert await stage.types_of(opened.body["id"]) == [
            "opened",
            "answered",
            "closed",
        ]
