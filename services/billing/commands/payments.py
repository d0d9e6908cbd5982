"""Payments: an attempt is started, superseded or given up, and confirmed by finance."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from chassis.ids import uuid7
from chassis.money import Money
from services.billing.commands.attempts import cancel_live_attempts
from services.billing.commands.credit import take_quoted_credit
from services.billing.commands.payment_events import payment_started
from services.billing.commands.settle import settle
from services.billing.domain.invoices import Invoice
from services.billing.domain.payments import (
    Confirmation,
    Payment,
    PaymentStatus,
    PaymentTerms,
    confirm,
    shares_of,
)
from services.billing.domain.quotes import (
    Quote,
    check_expected,
    currency_of,
    quote,
)
from services.billing.domain.transfers import instructions
from services.billing.store.balances import get_credit
from services.billing.store.customers import lock_customer
from services.billing.store.invoices import get_invoices, lock_invoices
from services.billing.store.payments import (
    get_payment,
    insert_payment,
    lock_live_attempts,
    lock_payer,
    save_payment,
)

#: Crockford's base 32: nothing in it can be taken for something else.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a customer wants to pay and how; `expected` is the charge they were shown.

    A method is needed where credit, if it is to be used, leaves something to charge.
    """

    customer_id: UUID
    invoice_ids: Sequence[UUID]
    method: str | None
    use_credit: bool = False
    expected: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What came of a choice: no payment where credit covered all."""

    invoices: Sequence[Invoice]
    credit_used: Money
    payment: Payment | None


async def start_payment(
    tx: Transaction, choice: Choice, *, terms: PaymentTerms, on: date, now: datetime
) -> Started:
    """Begin to pay all that remains of these invoices; older attempts are off.

    Credit, if it is to be used, pays first what it can. Raises SumChanged, and nothing
    is done, where what is left to charge isn't what the customer was shown.
    """
    customer = await lock_customer(tx, choice.customer_id)
    invoices = await lock_invoices(tx, customer.id, choice.invoice_ids)
    quoted = await _quote(tx, choice, invoices)
    check_expected(quoted, choice.expected)
    payment = _attempt(choice, quoted, terms, now=now)
    await cancel_live_attempts(tx, choice.invoice_ids)
    left = await take_quoted_credit(tx, quoted, on=on, now=now)
    if payment is not None:
        await insert_payment(tx, payment)
        account = terms.instructions[payment.currency]
        text = instructions(payment, account, customer.language)
        await tx.emit(payment_started(payment, invoices, text))
    return Started(invoices=left, credit_used=quoted.credit_used, payment=payment)


async def preview_payment(tx: Transaction, choice: Choice) -> Quote:
    """Say what starting this payment would take from credit, and what it would charge.

    Nothing is written.
    """
    invoices = await get_invoices(tx, choice.customer_id, choice.invoice_ids)
    return await _quote(tx, choice, invoices)


async def confirm_payment(
    tx: Transaction,
    payment_id: UUID,
    seen: Confirmation,
    *,
    on: date,
    now: datetime,
) -> Payment:
    """Book what finance saw on the bank's statement, once for each bank reference."""
    await lock_payer(tx, payment_id)
    payment = await get_payment(tx, None, payment_id)
    invoices = await lock_invoices(tx, None, payment.invoice_ids)
    confirmed = confirm(payment, seen, now=now)
    await save_payment(tx, confirmed)
    # An attempt that was given up still pays what nobody else is going to pay.
    live = await lock_live_attempts(tx, payment.invoice_ids)
    awaited = {
        id_ for each in live if each.id != payment_id for id_ in each.invoice_ids
    }
    await settle(tx, confirmed, invoices, awaited=awaited, on=on, now=now)
    await audit.record(
        tx,
        "payment.confirmed",
        subject=payment_id,
        customer_id=payment.customer_id,
        details={
            "reference": payment.reference,
            "received": str(seen.received),
            "bank_account": seen.bank_account,
            "bank_reference": seen.bank_reference,
        },
    )
    return confirmed


async def _quote(tx: Transaction, choice: Choice, invoices: Sequence[Invoice]) -> Quote:
    credit = await get_credit(tx, choice.customer_id, currency_of(invoices))
    return quote(invoices, credit, use_credit=choice.use_credit)


def _attempt(
    choice: Choice, quoted: Quote, terms: PaymentTerms, *, now: datetime
) -> Payment | None:
    """Return the payment of what credit leaves, if it leaves anything."""
    if not quoted.charged.positive:
        return None
    return Payment(
        id=uuid7(),
        customer_id=choice.customer_id,
        method=terms.choose(choice.method, quoted.currency),
        status=PaymentStatus.AWAITING_CONFIRMATION,
        amount=quoted.charged,
        reference=_new_reference(),
        shares=shares_of(quoted),
        created_at=now,
    )


def _new_reference() -> str:
    """Return a reference such as `CA-7K3M2QXP`: short, and nobody guesses it."""
    characters = (secrets.choice(_ALPHABET) for _ in range(_REFERENCE_LENGTH))
    return f"CA-{''.join(characters)}"
