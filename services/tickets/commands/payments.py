"""What a received payment does to the finance ticket that proved it."""

from datetime import datetime

from chassis.db import Transaction
from chassis.errors import NotFound
from contracts.events.billing import PaymentSucceeded
from services.tickets.commands import events
from services.tickets.commands.conversation import answer, close
from services.tickets.domain import answers
from services.tickets.domain.people import Author, AuthorKind
from services.tickets.domain.tickets import Status, Ticket
from services.tickets.store import tickets as store
from services.tickets.store.departments import find_department
from services.tickets.store.projections import find_language

DEFAULT_LANGUAGE = "en"


async def confirm_payment(
    tx: Transaction, payment: PaymentSucceeded, *, now: datetime
) -> None:
    """Answer the ticket with what was received; close it if nothing remains."""
    ticket = await _lock_proof(tx, payment)
    if ticket is None or ticket.status is Status.CLOSED:
        return
    language = await find_language(tx, payment.customer_id) or DEFAULT_LANGUAGE
    received = _received(payment)
    answered, message = await answer(
        tx,
        ticket,
        await _spokesman(tx, ticket, language),
        answers.confirm_payment(received, language),
        now=now,
    )
    await tx.emit(events.ticket_answered(answered, message))
    if received.settles_all:
        await close(tx, answered, by=AuthorKind.SYSTEM, now=now)


async def _lock_proof(tx: Transaction, payment: PaymentSucceeded) -> Ticket | None:
    """Return the ticket that the confirmation names, else the newest that fits."""
    if payment.ticket_id is None:
        invoice_ids = [share.invoice_id for share in payment.shares]
        return await store.lock_newest_finance_ticket(
            tx, payment.customer_id, invoice_ids
        )
    try:
        return await store.lock_ticket(tx, payment.ticket_id, scope=payment.customer_id)
    except NotFound:
        # The money is booked whatever ticket the confirmation named.
        return None


async def _spokesman(tx: Transaction, ticket: Ticket, language: str) -> Author:
    """Let the system speak in the department's name."""
    department = await find_department(tx, ticket.department)
    name = department.name_in(language) if department else ticket.department
    return Author(AuthorKind.SYSTEM, None, name)


def _received(payment: PaymentSucceeded) -> answers.ReceivedPayment:
    return answers.ReceivedPayment(
        reference=payment.reference,
        received=payment.received.to_money(),
        credited=payment.credited.to_money(),
        shares=tuple(
            answers.PaidShare(
                share.number, share.amount.to_money(), share.remaining.to_money()
            )
            for share in payment.shares
        ),
    )
