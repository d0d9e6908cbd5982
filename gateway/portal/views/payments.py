"""Payments: what to do for one, how far it has come, and all there have been."""

import asyncio
from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import customer
from contracts.api.billing.invoices import InvoiceView
from contracts.api.billing.payments import PaymentView
from contracts.money import MoneyModel
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit

pages = Pages()


@pages.get("/payments", policy=customer("billing"))
async def list_payments(visit: Visit) -> web.Response:
    payments = await visit.api.get(
        "/payments", Page[PaymentView], cursor=visit.query.get("cursor")
    )
    return visit.render("payments/list.html", payments=payments)


@pages.get("/payments/{payment_id}", policy=customer("billing"))
async def show_payment(visit: Visit, payment_id: UUID) -> web.Response:
    """Show how to send the money, and what has become of it."""
    payment = await visit.api.get(f"/payments/{payment_id}", PaymentView)
    invoices = await asyncio.gather(
        *(
            visit.api.get(f"/invoices/{share.invoice_id}", InvoiceView)
            for share in payment.invoices
        )
    )
    return visit.render(
        "payments/payment.html",
        payment=payment,
        shares=list(zip(payment.invoices, invoices, strict=True)),
        credited=_credited(payment),
        is_short=_is_short(payment),
    )


def _credited(payment: PaymentView) -> MoneyModel | None:
    """Return what was received and paid no invoice, if there was such."""
    if payment.received is None:
        return None
    rest = payment.received.to_money()
    for share in payment.invoices:
        rest -= share.paid.to_money()
    return MoneyModel.of(rest) if rest.positive else None


def _is_short(payment: PaymentView) -> bool:
    received = payment.received
    return received is not None and received.to_money() < payment.amount.to_money()
