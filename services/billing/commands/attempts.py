"""Attempts to pay: one is live per invoice, and gives way to what comes after it."""

from collections.abc import Sequence
from uuid import UUID

from chassis.db import Transaction
from services.billing.commands.payment_events import payment_cancelled
from services.billing.domain.payments import supersede
from services.billing.store.payments import lock_live_attempts, save_payment


async def cancel_live_attempts(tx: Transaction, invoice_ids: Sequence[UUID]) -> None:
    """Cancel what awaits money for these invoices; PaymentClearing if one is clearing.

    What they ask for isn't what remains any more.
    """
    for payment in await lock_live_attempts(tx, invoice_ids):
        cancelled = supersede(payment)
        await save_payment(tx, cancelled)
        await tx.emit(payment_cancelled(cancelled))
