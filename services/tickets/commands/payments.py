"""What it does to the finance ticket that proves a payment when its invoice is paid."""

from datetime import datetime

from chassis.db import Transaction
from chassis.errors import NotFound
from contracts.events.billing import CreditChanged, PaymentSucceeded
from services.tickets.commands import events
from services.tickets.commands.conversation import answer, close, tell
from services.tickets.domain import answers
from services.tickets.domain.people import Author, AuthorKind
from services.tickets.domain.tickets import Status, Ticket
from services.tickets.store import tickets as store
from services.tickets.store.departments import find_department
from services.tickets.store.projections import find_language

DEFAULT_LANGUAGE = "en"
#: Why credit moves that pays an invoice.
_PAYS = ("applied", "automatic")


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


async def tell_paid_with_credit(
    tx: Transaction, credit: CreditChanged, *, now: datetime
) -> None:
    """Tell in the proof's ticket that credit has paid the invoice; it stays open.

    Money may be on its way all the same: finance looks for it, and books it as credit.
    """
    if credit.invoice_id is None or not _pays_in_full(credit):
        return
    ticket = await store.lock_newest_finance_ticket(
        tx, credit.customer_id, [credit.invoice_id]
    )
    if ticket is None:
        return
    language = await find_language(tx, credit.customer_id) or DEFAULT_LANGUAGE
    text = answers.paid_with_credit(credit.invoice_number or "", language)
    await tell(tx, ticket, await _spokesman(tx, ticket, language), text, now=now)


def _pays_in_full(credit: CreditChanged) -> bool:
    remaining = credit.invoice_remaining
    is_paid = remaining is not None and not remaining.to_money().positive
    return is_paid and credit.reason in _PAYS


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
