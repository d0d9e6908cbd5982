"""The tickets service on a stage: real HTTP and Postgres, events through the inbox."""

import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from aiohttp import ClientSession, FormData

from chassis.blobs import Blobs
from chassis.checks import CheckResult
from chassis.clock import Clock
from chassis.db import Database
from chassis.events import Envelope, Event
from chassis.http import Principal
from chassis.ids import uuid7
from chassis.inbox import Inbox
from chassis.resources import BLOBS, Resources
from contracts.events import accounts, billing
from contracts.money import MoneyModel
from services.tickets.checks import CHECKS
from services.tickets.consumers import consumers
from services.tickets.seed import seed
from services.tickets.settings import SETTINGS
from tests.support import people
from tests.support.arrivals import deliver, mark
from tests.support.people import Answer
from tests.support.running import Running
from tests.support.tokens import a_customer, a_staff_member

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02"
DEPARTMENTS: dict[str, object] = {
    "departments": [
        {
            "slug": slug,
            "name": {"en": english, "pt-BR": portuguese},
            "expected_answer_minutes": {
                "low": 2880,
                "medium": 1440,
                "high": 240,
                "urgent": 30,
            },
        }
        for slug, english, portuguese in (
            ("support", "Support", "Suporte"),
            ("finance", "Finance", "Financeiro"),
        )
    ]
}


class Person(people.Person):
    """Somebody who talks to the service over HTTP."""

    async def upload(
        self, name: str = "proof.png", content: bytes = PNG, **options: Any
    ) -> Answer:
        # Browsers send names as they are.
        form = FormData(quote_fields=False)
        form.add_field(
            "file", io.BytesIO(content), filename=name, content_type="image/png"
        )
        return await self.ask("POST", "/attachments", data=form, **options)

    async def open_ticket(self, **fields: Any) -> Answer:
        return await self.post("/tickets", a_request(**fields))


@dataclass(frozen=True)
class Stage:
    """The service, the people around it and what other services tell it."""

    db: Database
    http: ClientSession
    blobs: Blobs
    clock: Clock
    resources: Resources
    inbox: Inbox

    async def customer(
        self, *permissions: str, name: str = "Ana Souza", language: str = "en"
    ) -> Person:
        """Return somebody whom accounts has told of."""
        principal = a_customer(*permissions, locale=language)
        await self.deliver(a_registration(principal, name=name, language=language))
        return Person(principal, self.http)

    async def partner_of(self, person: Person, *, name: str) -> Person:
        """Return another person who acts for the same customer."""
        principal = a_customer(customer_id=person.customer_id)
        told = a_registration(principal, name=name, version=2)
        await self.deliver(told)
        return Person(principal, self.http)

    async def staff(self, *permissions: str, name: str = "Bruno Lima") -> Person:
        principal = a_staff_member(*(permissions or ("tickets.read", "tickets.answer")))
        await self.deliver(
            accounts.StaffMemberAdded(
                version=1,
                user_id=principal.user_id,
                name=name,
                email="bruno@example.com",
                role="support",
                language="en",
                active=True,
            )
        )
        return Person(principal, self.http)

    async def service_of(self, person: Person) -> UUID:
        """Let billing tell of a service of this customer."""
        event = a_service(person.customer_id)
        await self.deliver(event)
        return event.service_id

    async def invoice_of(self, person: Person) -> UUID:
        """Let billing tell of an invoice of this customer."""
        event = an_invoice(person.customer_id)
        await self.deliver(event)
        return event.invoice_id

    async def deliver(
        self,
        event: Event,
        *,
        event_id: UUID | None = None,
        times: int = 1,
        republished: bool = False,
    ) -> None:
        await deliver(
            self.inbox, event, event_id=event_id, times=times, republished=republished
        )

    async def emitted(self, ticket_id: str | UUID) -> list[Envelope]:
        """Return what was announced of a ticket, in the order of its versions."""
        async with self.db.reading() as tx:
            rows = await tx.fetch(
                "SELECT body FROM outbox WHERE subject = $1 ORDER BY version, seq",
                UUID(str(ticket_id)),
            )
        return [Envelope.read(row["body"].encode()) for row in rows]

    async def types_of(self, ticket_id: str | UUID) -> list[str]:
        """Return the kinds of events of a ticket: `opened`, `answered`, …."""
        return [event.type.split(".")[2] for event in await self.emitted(ticket_id)]

    async def mark(self, producer: str, *, complete: bool) -> None:
        await mark(self.db, producer, complete=complete)

    async def audit(self) -> dict[str, CheckResult]:
        async with self.db.reading() as tx:
            return {check.name: await check.run(tx) for check in CHECKS}


@asynccontextmanager
async def staged(tickets: Running) -> AsyncGenerator[Stage]:
    """Set the stage: departments, and nothing else is on its way."""
    resources = tickets.resources
    await seed(tickets.db, tickets.clock, resources[SETTINGS], DEPARTMENTS)
    stage = Stage(
        tickets.db,
        tickets.client,
        resources[BLOBS],
        tickets.clock,
        resources,
        Inbox(consumers, resources, tickets.db),
    )
    for producer in ("accounts", "billing"):
        await stage.mark(producer, complete=True)
    yield stage


def a_request(**fields: Any) -> dict[str, Any]:
    """Return a good request to open a ticket, but for the given fields."""
    return {
        "department": "support",
        "subject": "The site is down",
        "message": "Since this morning it answers nothing.",
        "priority": "high",
        **fields,
    }


def a_registration(
    principal: Principal,
    *,
    name: str = "Ana Souza",
    language: str = "en",
    version: int = 1,
) -> accounts.CustomerRegistered:
    assert principal.customer_id is not None
    return accounts.CustomerRegistered(
        version=version,
        customer_id=principal.customer_id,
        name=name,
        company=None,
        tax_id=None,
        country="BR",
        currency="BRL",
        language=language,
        time_zone="America/Sao_Paulo",
        phone=None,
        address=None,
        contacts=[
            accounts.Contact(
                user_id=principal.user_id,
                name=name,
                email="ana@example.com",
                email_verified=True,
                language=language,
                permissions=["tickets"],
            )
        ],
    )


def brl(amount: str) -> MoneyModel:
    return MoneyModel(amount=amount, currency="BRL")


def a_service(
    customer_id: UUID, *, service_id: UUID | None = None, version: int = 1
) -> billing.ServiceOrdered:
    return billing.ServiceOrdered(
        version=version,
        service_id=service_id or uuid7(),
        customer_id=customer_id,
        order_id=uuid7(),
        product="web-start",
        product_name="Web Start",
        label="example.com",
        status="pending",
        period="monthly",
        recurring_amount=brl("49.90"),
        paid_until=None,
        next_due_on=None,
    )


def an_invoice(
    customer_id: UUID, *, invoice_id: UUID | None = None, version: int = 1
) -> billing.InvoiceIssued:
    return billing.InvoiceIssued(
        version=version,
        invoice_id=invoice_id or uuid7(),
        customer_id=customer_id,
        kind="service",
        number="2026-000123",
        status="open",
        issued_on=date(2026, 3, 1),
        due_on=date(2026, 3, 11),
        total=brl("100.00"),
        paid=brl("0.00"),
        remaining=brl("100.00"),
        lines=[],
    )


def a_payment(
    customer_id: UUID,
    *shares: tuple[UUID, str, str],
    ticket_id: UUID | None = None,
    received: str = "100.00",
    credited: str = "0.00",
) -> billing.PaymentSucceeded:
    """Return a received payment; a share is (invoice, amount, remaining)."""
    return billing.PaymentSucceeded(
        version=2,
        payment_id=uuid7(),
        customer_id=customer_id,
        method="bank_transfer",
        status="succeeded",
        amount=brl("100.00"),
        shares=[
            billing.PaymentShare(
                invoice_id=invoice_id,
                number="2026-000123",
                amount=brl(amount),
                remaining=brl(remaining),
            )
            for invoice_id, amount, remaining in shares
        ],
        reference="TR-7Q2",
        received=brl(received),
        credited=brl(credited),
        ticket_id=ticket_id,
    )
