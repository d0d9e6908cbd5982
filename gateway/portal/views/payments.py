"""Payments: what to do for one, how far it has come, and all there have been."""

import asyncio
from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import customer
from contracts.api.billing.invoices import InvoiceView
from contracts.api.billing.payments import PaymentView
from gateway.portal.outcome import Outcome
from gateway.portal.pages import Pages
from gateway.portal.views.proofs import find_proofs
from gateway.portal.visit import Visit

pages = Pages()


@pages.get("/payments", policy=customer("billing"))
async def list_payments(visit: Visit) -> web.Response:
    payments = await visit.api.get(
        "/payments", Page[PaymentView], cursor=visit.query.get("cursor")
    )
    proved = await find_proofs(visit, payments.items)
    return visit.render("payments/list.html", payments=payments, proved=proved)


@pages.get("/payments/{payment_id}", policy=customer("billing"))
async def show_payment(visit: Visit, payment_id: UUID) -> web.Response:
    """Show how to send the money, and what has become of it."""
    payment = await visit.api.get(f"/payments/{payment_id}", PaymentView)
    proved, invoices = await asyncio.gather(
        find_proofs(visit, [payment]),
        asyncio.gather(
            *(
                visit.api.get(f"/invoices/{share.invoice_id}", InvoiceView)
                for share in payment.invoices
            )
        ),
    )
    return visit.render(
        "payments/payment.html",
        payment=payment,
        shares=list(zip(payment.invoices, invoices, strict=True)),
        came_of=Outcome.of(payment),
        proved=proved,
        proof=proved.get(payment.id),
    )
