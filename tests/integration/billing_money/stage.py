"""Billing on a stage: real HTTP and Postgres; events come in through the inbox."""

import itertools
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from aiohttp import ClientSession

from chassis.clock import Clock
from chassis.db import Database, set_codecs
from chassis.events import Envelope, Event
from chassis.http import Principal
from chassis.ids import uuid7
from chassis.inbox import Inbox
from chassis.resources import Resources
from contracts.events import accounts, tickets
from services.billing.checks import CHECKS
from services.billing.consumers import consumers
from services.billing.seed import seed
from services.billing.settings import SETTINGS as SETTINGS_KEY
from tests.support import people
from tests.support.arrivals import deliver
from tests.support.databases import ServiceDatabase
from tests.support.people import Answer
from tests.support.running import Running
from tests.support.tokens import a_customer, a_staff_member

SETTINGS: dict[str, Any] = {
    "company_name": "Hospeda Ltda.",
    "company_address": "Rua Um, 1; São Paulo",
    "company_tax_id": "11.222.333/0001-81",
    "bank_instructions": "Banco 001, agência 1234, conta 56789-0",
    "currencies": frozenset({"BRL", "USD"}),
}
#: What the products of the stage cost each month, in either currency.
SMALL, LARGE = "25.00", "100.00"
PRODUCTS: dict[str, object] = {
    "products": [
        {
            "slug": slug,
            "name": slug.title(),
            "group": "Hosting",
            "description": "",
            "prices": [
                {"currency": currency, "period": "monthly", "amount": amount}
                for currency in ("BRL", "USD")
            ],
        }
        for slug, amount in (("small", SMALL), ("large", LARGE))
    ]
}
FINANCE = (
    *("payments.read", "payments.confirm", "invoices.read", "invoices.write"),
    *("ledger.audit", "billing.run"),
)


@dataclass(frozen=True)
class Person(people.Person):
    """Somebody who talks to billing over HTTP."""

    async def order(self, product: str = "large", **fields: Any) -> dict[str, Any]:
        """Order a product for a month and return its invoice."""
        items = [{"product": product, "period": "monthly"}]
        placed = await self.post("/orders", {"items": items, **fields})
        assert placed.status == 201, placed.body
        return await self.invoice(placed.body["invoice_id"])

    async def invoice(self, invoice_id: str) -> dict[str, Any]:
        shown = await self.get(f"/invoices/{invoice_id}")
        assert shown.status == 200, shown.body
        return shown.body

    async def pay(self, *invoices: dict[str, Any]) -> dict[str, Any]:
        """Choose bank transfer for these invoices and return the payment."""
        started = await self.post("/payments", a_payment(*invoices))
        assert started.status == 201, started.body
        return started.body

    async def top_up(self, amount: str, currency: str = "BRL") -> dict[str, Any]:
        opened = await self.post("/credit/top-ups", {"amount": money(amount, currency)})
        assert opened.status == 201, opened.body
        return opened.body

    async def use_credit(
        self, invoice: dict[str, Any], amount: str | None = None
    ) -> Answer:
        body = {"amount": money(amount)} if amount else {}
        return await self.post(f"/invoices/{invoice['id']}/credit", body)

    async def statement(self, **query: str) -> list[tuple[str, str, str]]:
        """Return (change, reason, balance) of each movement of credit, oldest first."""
        shown = (await self.get("/credit/statement", **query)).body["items"]
        return [
            (m["change"]["amount"], m["reason"], m["balance"]["amount"])
            for m in reversed(shown)
        ]

    async def credit(self, currency: str = "BRL") -> str:
        """Return the balance in a currency; nothing where there never was any."""
        balances = (await self.get("/credit")).body["balances"]
        held = {balance["currency"]: balance["amount"] for balance in balances}
        return held.get(currency, "0.00")


@dataclass(frozen=True)
class Stage:
    """Billing, the people around it and what other services tell it."""

    db: Database
    http: ClientSession
    clock: Clock
    resources: Resources
    inbox: Inbox
    database: ServiceDatabase
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def customer(
        self, *permissions: str, currency: str = "BRL", language: str = "en"
    ) -> Person:
        """Return somebody whom accounts has told of."""
        person = self.stranger(*permissions, currency=currency, language=language)
        await self.introduce(person)
        return person

    def stranger(
        self, *permissions: str, currency: str = "BRL", language: str = "en"
    ) -> Person:
        """Return somebody whose details are still travelling."""
        principal = a_customer(*permissions, currency=currency, locale=language)
        return Person(principal, self.http)

    async def introduce(self, person: Person) -> None:
        await self.deliver(a_registration(person.principal))

    def finance(self, *permissions: str) -> Person:
        return Person(a_staff_member(*(permissions or FINANCE)), self.http)

    async def confirm(
        self,
        payment: dict[str, Any],
        received: str | None = None,
        **fields: Any,
    ) -> Answer:
        """Let finance confirm a payment, with a bank reference of its own."""
        body = {
            "amount": money(received) if received else payment["amount"],
            "bank_reference": f"E{next(self.numbers):06d}",
            **fields,
        }
        path = f"/staff/payments/{payment['id']}/confirmation"
        return await self.finance().post(path, body)

    async def settle(
        self, person: Person, *invoices: dict[str, Any], amount: str | None = None
    ) -> Answer:
        """Let somebody pay invoices by transfer, and finance confirm it."""
        confirmed = await self.confirm(await person.pay(*invoices), amount)
        assert confirmed.status == 201, confirmed.body
        return confirmed

    async def give_credit(
        self, person: Person, amount: str, currency: str = "BRL"
    ) -> None:
        await self.settle(person, await person.top_up(amount, currency))

    async def void(self, invoice: dict[str, Any]) -> Answer:
        return await self.finance().post(
            f"/staff/invoices/{invoice['id']}/void", {"reason": "ordered twice"}
        )

    async def run(self, on: date) -> dict[str, Any]:
        """Let the clock reach a day, and do what is due by then."""
        at_noon(self.clock, on)
        ran = await self.finance().post("/staff/billing-runs", {"on": on.isoformat()})
        assert ran.status == 201, ran.body
        return ran.body

    async def deliver(self, event: Event) -> None:
        """Let an event arrive as the receiver hands it over."""
        await deliver(self.inbox, event)

    async def emitted(self, type_: str, subject: str | UUID) -> list[dict[str, Any]]:
        """Return what was announced of an object, in the order of its versions."""
        async with self.db.reading() as tx:
            rows = await tx.fetch(
                """
                SELECT body FROM outbox WHERE type = $1 AND body::jsonb->>'subject' = $2
                ORDER BY version
                """,
                type_,
                str(subject),
            )
        return [Envelope.read(row["body"].encode()).data for row in rows]

    async def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks raised for staff."""
        return await self.emitted_of_type("billing.staff_task.raised.v1")

    async def emitted_of_type(self, type_: str) -> list[dict[str, Any]]:
        """Return all announced events of a type, in order."""
        async with self.db.reading() as tx:
            rows = await tx.fetch(
                "SELECT body FROM outbox WHERE type = $1 ORDER BY seq", type_
            )
        return [Envelope.read(row["body"].encode()).data for row in rows]

    async def mark(self, producer: str, *, complete: bool) -> None:
        """Say whether all events of a producer have arrived."""
        async with self.db.transaction() as tx:
            await tx.execute("DELETE FROM watermarks WHERE producer = $1", producer)
            if complete:
                await tx.execute(
                    "INSERT INTO watermarks VALUES ($1, now() + interval '1 day')",
                    producer,
                )

    async def violations(self) -> dict[str, list[str]]:
        """Return what the audit finds wrong, by check."""
        found: dict[str, list[str]] = {}
        for check in CHECKS:
            async with self.db.reading() as tx:
                result = await check.run(tx)
            if result.violations:
                found[check.name] = result.violations
        return found

    @asynccontextmanager
    async def superuser(self) -> AsyncGenerator[asyncpg.Connection]:
        """Connect as somebody whom no right and no trigger holds back."""
        connection = await asyncpg.connect(
            self.database.admin_url,
            server_settings={
                "search_path": "billing, public",
                "session_replication_role": "replica",
            },
        )
        try:
            await set_codecs(connection)
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def staged(billing: Running, database: ServiceDatabase) -> AsyncGenerator[Stage]:
    """Set the stage: two products, and nothing is on its way.

    It is noon at the company, so that no test meets midnight.
    """
    at_noon(billing.clock, billing.clock.today())
    resources = billing.resources
    stage = Stage(
        billing.db,
        billing.client,
        billing.clock,
        resources,
        Inbox(consumers, resources, billing.db),
        database,
    )
    await seed(billing.db, billing.clock, resources[SETTINGS_KEY], PRODUCTS)
    for producer in ("accounts", "tickets"):
        await stage.mark(producer, complete=True)
    yield stage
    assert await stage.violations() == {}


def at_noon(clock: Clock, on: date) -> None:
    """Let it be noon of this day at the company."""
    clock.shift = datetime.combine(on, time(12), clock.zone) - clock.now()


def money(amount: str, currency: str = "BRL") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def a_payment(*invoices: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a good request to pay these invoices, but for the given fields."""
    ids: Sequence[str] = [invoice["id"] for invoice in invoices]
    return {"invoice_ids": ids, "method": "bank_transfer", **fields}


def a_registration(principal: Principal) -> accounts.CustomerRegistered:
    assert principal.customer_id is not None
    return accounts.CustomerRegistered(
        version=1,
        customer_id=principal.customer_id,
        name="Ana Souza",
        company=None,
        tax_id=None,
        country="BR",
        currency=principal.currency or "BRL",
        language=principal.locale,
        time_zone="America/Sao_Paulo",
        phone=None,
        address=None,
        contacts=[],
    )


def a_ticket(
    customer_id: UUID,
    *,
    invoice_id: str | None = None,
    department: str = "finance",
    ticket_id: UUID | None = None,
    version: int = 1,
) -> tickets.TicketOpened:
    return tickets.TicketOpened(
        version=version,
        ticket_id=ticket_id or uuid7(),
        customer_id=customer_id,
        requester_id=uuid7(),
        protocol="7K3M-2QXP-V9",
        department=department,
        subject_line="Proof of payment",
        status="open",
        priority="high",
        invoice_id=UUID(invoice_id) if invoice_id else None,
        service_ids=[],
        message_id=uuid7(),
        author_name="Ana Souza",
        text="Here is the receipt.",
        attachment_names=["proof.png"],
        at=datetime.now(UTC) - timedelta(minutes=1),
    )
