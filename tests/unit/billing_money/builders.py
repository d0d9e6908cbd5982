"""Invoices and payments for claims about money."""

from datetime import UTC, date, datetime
from uuid import UUID

from chassis.ids import uuid7
from chassis.money import Money
from services.billing.domain.invoices import Invoice, InvoiceKind, InvoiceStatus
from services.billing.domain.payments import (
    Payment,
    PaymentMethod,
    PaymentStatus,
    Share,
)

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CUSTOMER = uuid7()


def brl(minor: int) -> Money:
    return Money(minor, "BRL")


def an_invoice(
    total: int = 10_000,
    *,
    allocated: int = 0,
    tax: int = 0,
    kind: InvoiceKind = InvoiceKind.SERVICE,
    status: InvoiceStatus = InvoiceStatus.OPEN,
    due_on: date = TODAY,
    currency: str = "BRL",
    customer_id: UUID = CUSTOMER,
) -> Invoice:
    return Invoice(
        id=uuid7(),
        customer_id=customer_id,
        kind=kind,
        status=status,
        currency=currency,
        subtotal=Money(total - tax, currency),
        tax=Money(tax, currency),
        total=Money(total, currency),
        allocated=Money(allocated, currency),
        credit_applied=Money.zero(currency),
        due_on=due_on,
        created_at=NOW,
        version=2,
        number="2026-000123",
    )


def a_payment(
    *invoices: Invoice,
    status: PaymentStatus = PaymentStatus.AWAITING_CONFIRMATION,
    method: PaymentMethod = PaymentMethod.BANK_TRANSFER,
) -> Payment:
    shares = tuple(
        Share(i.id, i.remaining, Money.zero(i.currency))
        for i in invoices or (an_invoice(),)
    )
    return Payment(
        id=uuid7(),
        customer_id=CUSTOMER,
        method=method,
        status=status,
        amount=sum((s.asked for s in shares), Money.zero(shares[0].asked.currency)),
        reference="CA-7K3M2QXP",
        shares=shares,
        created_at=NOW,
    )
