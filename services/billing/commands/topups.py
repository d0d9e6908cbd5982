"""Top-ups: invoices whose money becomes credit."""

from datetime import date, datetime
from uuid import UUID

from chassis.db import Transaction
from chassis.money import Money
from services.billing.commands.invoicing import create_invoice
from services.billing.domain.credit import CreditTerms, check_room
from services.billing.domain.invoices import Invoice, InvoiceKind, LineKind, NewLine
from services.billing.domain.terms import Terms
from services.billing.domain.wording import top_up_text
from services.billing.store.balances import get_credit
from services.billing.store.credit import sum_open_top_ups
from services.billing.store.customers import lock_customer


async def open_top_up(
    tx: Transaction,
    customer_id: UUID,
    amount: Money,
    *,
    credit_terms: CreditTerms,
    terms: Terms,
    on: date,
    now: datetime,
) -> Invoice:
    """Invoice the amount that a customer wants to add, if there is room for it."""
    customer = await lock_customer(tx, customer_id)
    check_room(
        amount,
        held=await get_credit(tx, customer_id, amount.currency),
        coming=await sum_open_top_ups(tx, customer_id, amount.currency, on),
        terms=credit_terms,
    )
    return await create_invoice(
        tx,
        customer=customer,
        kind=InvoiceKind.TOP_UP,
        currency=amount.currency,
        lines=[_line(amount, customer.language)],
        due_on=terms.first_due_on(on),
        seller=terms.seller,
        on=on,
        now=now,
    )


def _line(amount: Money, language: str) -> NewLine:
    return NewLine(kind=LineKind.TOP_UP, description=top_up_text(language), unit=amount)
