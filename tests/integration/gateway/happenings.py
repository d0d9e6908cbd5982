"""Events as the services announce them, for whoever listens at the gateway."""

from datetime import UTC, date, datetime
from uuid import UUID

from chassis.ids import uuid7
from contracts.events import accounts, billing, tickets
from contracts.money import MoneyModel

SAID = "the text of an answer"
AMOUNT = MoneyModel(amount="12345.67", currency="BRL")


def a_ticket_answered(
    customer_id: UUID, *, ticket_id: UUID | None = None, version: int = 1
) -> tickets.TicketAnswered:
    return tickets.TicketAnswered(
        version=version,
        ticket_id=ticket_id or uuid7(),
        customer_id=customer_id,
        requester_id=uuid7(),
        protocol="7K3M-2QXP-V9",
        department="support",
        subject_line="the subject line",
        status="answered",
        priority="medium",
        invoice_id=uuid7(),
        service_ids=[uuid7()],
        message_id=uuid7(),
        author_name="somebody@example.com",
        text=SAID,
        attachment_names=["proof.pdf"],
        at=datetime.now(UTC),
    )


def an_invoice_paid(customer_id: UUID) -> billing.InvoicePaid:
    service_id = uuid7()
    line = billing.InvoiceLineState(
        service_id=service_id,
        description="what a line says",
        period_start=None,
        period_end=None,
        total=AMOUNT,
    )
    return billing.InvoicePaid(
        version=1,
        invoice_id=uuid7(),
        customer_id=customer_id,
        kind="service",
        number="2026-000001",
        status="paid",
        issued_on=date(2026, 1, 1),
        due_on=date(2026, 1, 11),
        total=AMOUNT,
        paid=AMOUNT,
        remaining=AMOUNT,
        lines=[line, line],
    )


def a_payment_succeeded(customer_id: UUID) -> billing.PaymentSucceeded:
    share = billing.PaymentShare(
        invoice_id=uuid7(), number="2026-000001", amount=AMOUNT, remaining=AMOUNT
    )
    return billing.PaymentSucceeded(
        version=1,
        payment_id=uuid7(),
        customer_id=customer_id,
        method="bank_transfer",
        status="succeeded",
        amount=AMOUNT,
        shares=[share],
        reference="a reference",
        received=AMOUNT,
        credited=AMOUNT,
        ticket_id=uuid7(),
    )


def a_staff_task(customer_id: UUID | None) -> billing.StaffTaskRaised:
    return billing.StaffTaskRaised(
        version=1,
        task_id=uuid7(),
        customer_id=customer_id,
        department="finance",
        title="a task's title",
        details="a task's details",
    )


def a_session_ended(
    session_id: UUID, *, user_id: UUID, customer_id: UUID | None = None
) -> accounts.SessionEnded:
    return accounts.SessionEnded(
        version=1, session_id=session_id, user_id=user_id, customer_id=customer_id
    )
