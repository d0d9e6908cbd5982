"""Payments: an attempt is started, superseded or given up, and confirmed by finance."""

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from chassis.ids import uuid7
from services.billing.commands.attempts import cancel_live_attempts
from services.billing.commands.payment_events import payment_started
from services.billing.commands.settle import settle
from services.billing.domain.payments import (
    Confirmation,
    Payment,
    PaymentStatus,
    PaymentTerms,
    confirm,
    shares_of,
    total,
)
from services.billing.domain.transfers import instructions
from services.billing.store.customers import lock_customer
from services.billing.store.invoices import lock_invoices
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


async def start_payment(
    tx: Transaction,
    *,
    customer_id: UUID,
    invoice_ids: Sequence[UUID],
    method: str,
    terms: PaymentTerms,
    now: datetime,
) -> Payment:
    """Begin to pay all that remains of these invoices; older attempts are off."""
    customer = await lock_customer(tx, customer_id)
    invoices = await lock_invoices(tx, customer_id, invoice_ids)
    shares = shares_of(invoices)
    amount = total(shares)
    payment = Payment(
        id=uuid7(),
        customer_id=customer_id,
        method=terms.choose(method, amount.currency),
        status=PaymentStatus.AWAITING_CONFIRMATION,
        amount=amount,
        reference=_new_reference(),
        shares=shares,
        created_at=now,
    )
    await cancel_live_attempts(tx, invoice_ids)
    await insert_payment(tx, payment)
    account = terms.instructions[payment.currency]
    text = instructions(payment, account, customer.language)
    await tx.emit(payment_started(payment, invoices, text))
    return payment


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


def _new_reference() -> str:
    """Return a reference such as `CA-7K3M2QXP`: short, and nobody guesses it."""
    characters = (secrets.choice(_ALPHABET) for _ in range(_REFERENCE_LENGTH))
    return f"CA-{''.join(characters)}"
