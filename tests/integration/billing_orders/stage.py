"""Billing on a stage: real HTTP and Postgres, and what other processes tell it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from aiohttp import ClientSession

from chassis.checks import CheckResult
from chassis.db import Database
from chassis.events import Envelope, Event
from chassis.http import Principal
from chassis.ids import uuid7
from chassis.inbox import Inbox
from contracts.events import accounts, tickets
from services.billing.app import PROCESS
from services.billing.checks import CHECKS
from services.billing.consumers import consumers
from services.billing.seed import seed
from services.billing.settings import SETTINGS
from tests.support import people
from tests.support.arrivals import deliver
from tests.support.databases import ServiceDatabase
from tests.support.running import Running, running
from tests.support.tokens import a_customer, a_staff_member

ZONE = ZoneInfo("America/Sao_Paulo")
COMPANY: dict[str, Any] = {
    "company_name": "Nuvem Hospedagem Ltda.",
    "company_address": "Rua da Bahia, 1148; Belo Horizonte, MG; 30160-011",
    "company_tax_id": "12.345.678/0001-95",
    "bank_instructions": "Banco do Brasil, agência 1234, conta 56789-0",
}
CATALOGUE: dict[str, Any] = {
    "products": [
        {
            "slug": "start",
            "name": "Web Start",
            "group": "Web hosting",
            "description": "One site.",
            "prices": [
                {"currency": "BRL", "period": "monthly", "amount": "29.90"},
                {
                    "currency": "BRL",
                    "period": "annual",
                    "amount": "299.00",
                    "setup_fee": "15.50",
                },
                {"currency": "USD", "period": "monthly", "amount": "7.90"},
            ],
        },
        {
            "slug": "server",
            "name": "Server",
            "group": "Servers",
            "description": "A machine.",
            "prices": [{"currency": "BRL", "period": "monthly", "amount": "199.00"}],
        },
        {
            "slug": "certificate",
            "name": {"en": "Certificate", "pt-BR": "Certificado"},
            "group": "Extras",
            "description": {"en": "Bought once.", "pt-BR": "Comprado uma vez."},
            "prices": [{"currency": "BRL", "period": "one_time", "amount": "80.00"}],
        },
        {
            "slug": "trial",
            "name": "Trial",
            "group": "Web hosting",
            "description": "Costs nothing.",
            "prices": [{"currency": "BRL", "period": "monthly", "amount": "0.00"}],
        },
    ]
}


@dataclass(frozen=True)
class Person(people.Person):
    """Somebody who talks to billing over HTTP."""

    async def order(self, *items: Mapping[str, object], **fields: object) -> Any:
        """Order these items, or one month of the cheapest product."""
        wanted = items or ({"product": "start", "period": "monthly"},)
        answer = await self.post("/orders", {"items": list(wanted), **fields})
        assert answer.status == 201, answer.body
        return answer.body

    async def invoice(self, invoice_id: str) -> Any:
        answer = await self.get(f"/invoices/{invoice_id}")
        assert answer.status == 200, answer.body
        return answer.body

    async def invoices(self, **query: str) -> list[Any]:
        """All the customer's invoices, oldest first."""
        answer = await self.get("/invoices", limit="100", **query)
        assert answer.status == 200, answer.body
        return answer.body["items"][::-1]

    async def service(self, service_id: str) -> Any:
        answer = await self.get(f"/services/{service_id}")
        assert answer.status == 200, answer.body
        return answer.body

    async def credit(self) -> Decimal:
        answer = await self.get("/credit")
        assert answer.status == 200, answer.body
        held = [Decimal(money["amount"]) for money in answer.body["balances"]]
        return sum(held, Decimal())


@dataclass(frozen=True)
class Stage:
    """Billing, the people around it and what other processes tell it."""

    billing: Running
    inbox: Inbox
    finance: Person
    #: The date where the company is, where it is noon at first: no test meets midnight.
    today: date

    @property
    def db(self) -> Database:
        return self.billing.db

    @property
    def http(self) -> ClientSession:
        return self.billing.client

    async def customer(
        self, *permissions: str, language: str = "en", currency: str = "BRL"
    ) -> Person:
        """Return somebody whom accounts has told of."""
        stranger = self.stranger(*permissions, language=language, currency=currency)
        await self.deliver(a_registration(stranger.principal, language=language))
        return stranger

    def stranger(
        self, *permissions: str, language: str = "en", currency: str = "BRL"
    ) -> Person:
        """Return somebody whose registration is still travelling."""
        principal = a_customer(*permissions, locale=language, currency=currency)
        return Person(principal, self.http)

    def staff(self, *permissions: str) -> Person:
        return Person(a_staff_member(*permissions), self.http)

    async def set_date(self, day: date) -> None:
        """Move the business clock to noon of this day, where the company is."""
        await self.set_time(datetime.combine(day, time(12), ZONE))

    async def set_time(self, now: datetime) -> None:
        """Move the business clock to this instant, given where the company is."""
        answer = await self.finance.put("/staff/clock", {"now": now.isoformat()})
        assert answer.status == 200, answer.body
        assert answer.body["today"] == now.date().isoformat()

    async def run(self, on: date) -> Any:
        """Have the daily run decide by this date; return its report."""
        answer = await self.finance.post("/staff/billing-runs", {"on": on.isoformat()})
        assert answer.status == 201, answer.body
        return answer.body

    async def pay(
        self, person: Person, *invoice_ids: str, amount: str | None = None
    ) -> None:
        """Choose bank transfer, and have finance confirm what arrived."""
        started = await person.post(
            "/payments", {"invoice_ids": list(invoice_ids), "method": "bank_transfer"}
        )
        assert started.status == 201, started.body
        received = {**started.body["amount"]}
        if amount is not None:
            received["amount"] = amount
        confirmed = await self.finance.post(
            f"/staff/payments/{started.body['id']}/confirmation",
            {"amount": received, "bank_reference": uuid7().hex},
        )
        assert confirmed.status == 201, confirmed.body

    async def active_service(self, person: Person, begun_on: date) -> Any:
        """Order, and pay on this day; return the service as it is then."""
        await self.set_date(begun_on)
        order = await person.order()
        await self.pay(person, order["invoice_id"])
        return await person.service(order["service_ids"][0])

    async def add_credit(self, person: Person, amount: str) -> None:
        topped = await person.post(
            "/credit/top-ups", {"amount": {"amount": amount, "currency": "BRL"}}
        )
        assert topped.status == 201, topped.body
        await self.pay(person, topped.body["id"])

    async def open_finance_ticket(
        self, person: Person, invoice_id: str
    ) -> tickets.TicketOpened:
        """Let tickets tell of proof that was sent for an invoice."""
        opened = a_ticket(person, UUID(invoice_id))
        await self.deliver(opened)
        return opened

    async def deliver(self, event: Event, *, republished: bool = False) -> None:
        """Let an event arrive as the receiver hands it over."""
        await deliver(self.inbox, event, republished=republished)

    async def mark_accounts(self, *, complete: bool) -> None:
        """Say whether all events of accounts have arrived."""
        async with self.db.transaction() as tx:
            await tx.execute("DELETE FROM watermarks WHERE producer = 'accounts'")
            if complete:
                await tx.execute(
                    "INSERT INTO watermarks VALUES ('accounts', now() + interval '9 d')"
                )

    async def emitted(self, subject: str) -> list[Envelope]:
        """Return what was announced of an object, in the order of its versions."""
        async with self.db.reading() as tx:
            rows = await tx.fetch(
                "SELECT body FROM outbox WHERE subject = $1 ORDER BY version, seq",
                UUID(subject),
            )
        return [Envelope.read(row["body"].encode()) for row in rows]

    async def types_of(self, subject: str) -> list[str]:
        """Return the kinds of events of an object: `issued`, `paid`, …."""
        return [event.type.split(".")[2] for event in await self.emitted(subject)]

    async def audit(self) -> dict[str, CheckResult]:
        async with self.db.reading() as tx:
            return {check.name: await check.run(tx) for check in CHECKS}


@asynccontextmanager
async def staged(
    database: ServiceDatabase, *, sandbox_clock: bool = True
) -> AsyncGenerator[Stage]:
    """Run billing with a catalogue; nothing is on its way to it."""
    shift = await _at_noon(database)
    async with running_billing(database, sandbox_clock=sandbox_clock) as billing:
        billing.clock.shift = shift
        settings = billing.resources[SETTINGS]
        await seed(billing.db, billing.clock, settings, CATALOGUE)
        finance = a_staff_member(
            *("billing.run", "clock.move", "invoices.read", "invoices.write"),
            *("orders.read", "services.read", "payments.read", "payments.confirm"),
        )
        stage = Stage(
            billing,
            Inbox(consumers, billing.resources, billing.db),
            Person(finance, billing.client),
            billing.clock.today(),
        )
        await stage.mark_accounts(complete=True)
        yield stage


async def _at_noon(database: ServiceDatabase) -> timedelta:
    """Let it be noon at the company, for every process that follows the clock."""
    now = datetime.now(ZONE)
    shift = datetime.combine(now, time(12), ZONE) - now
    connection = await asyncpg.connect(database.admin_url)
    await connection.execute(
        "UPDATE billing.business_clock SET shift_seconds = $1", shift.total_seconds()
    )
    await connection.close()
    return shift


@asynccontextmanager
async def running_billing(
    database: ServiceDatabase, *, sandbox_clock: bool = True
) -> AsyncGenerator[Running]:
    """Run one billing process that serves HTTP; its job doesn't run by itself."""
    async with running(
        PROCESS,
        database_url=database.url,
        parts=frozenset({"http"}),
        sandbox_clock=sandbox_clock,
        **COMPANY,
    ) as billing:
        yield billing


def a_registration(
    principal: Principal, *, language: str = "en", version: int = 1, **fields: Any
) -> accounts.CustomerRegistered:
    """Return what accounts tells of this customer, but for the given fields."""
    assert principal.customer_id is not None
    told: dict[str, Any] = {
        "version": version,
        "customer_id": principal.customer_id,
        "name": "Ana Souza",
        "company": None,
        "tax_id": "111.444.777-35",
        "country": "BR",
        "currency": principal.currency,
        "language": language,
        "time_zone": "America/Sao_Paulo",
        "phone": None,
        "address": {
            "line1": "Av. Afonso Pena, 4000",
            "city": "Belo Horizonte",
            "region": "MG",
            "postal_code": "30130-009",
        },
        "contacts": [
            {
                "user_id": principal.user_id,
                "name": "Ana Souza",
                "email": "ana@example.com",
                "email_verified": True,
                "language": language,
                "permissions": ["billing"],
            }
        ],
        **fields,
    }
    return accounts.CustomerRegistered.model_validate(told)


def a_ticket(person: Person, invoice_id: UUID) -> tickets.TicketOpened:
    """Return what tickets tells of proof that was sent to finance."""
    return tickets.TicketOpened(
        version=1,
        ticket_id=uuid7(),
        customer_id=person.customer_id,
        requester_id=person.principal.user_id,
        protocol="7K3M-2QXP-V9",
        department="finance",
        subject_line="Proof of payment",
        status="open",
        priority="high",
        invoice_id=invoice_id,
        service_ids=[],
        message_id=uuid7(),
        author_name="Ana Souza",
        text="Here is the receipt.",
        attachment_names=["receipt.pdf"],
        at=datetime.now(UTC),
    )


def closed(opened: tickets.TicketOpened) -> tickets.TicketClosed:
    """Return what tickets tells once that ticket is closed."""
    state = opened.model_dump() | {"version": 2, "status": "closed"}
    return tickets.TicketClosed.model_validate({**state, "closed_by": "staff"})


def days(number: int) -> timedelta:
    return timedelta(days=number)
