"""Customers as staff finds them, and all that one of them has with the company."""

import asyncio
from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import staff
from contracts.api.accounts import CustomerView
from contracts.api.billing.invoices import StaffInvoiceView
from contracts.api.billing.orders import StaffServiceView
from contracts.api.billing.payments import StaffPaymentView
from contracts.api.tickets import StaffTicketView
from gateway.portal.choices import countries
from gateway.portal.pages import Pages
from gateway.portal.views.staff_latest import latest
from gateway.portal.visit import Visit

pages = Pages()


@pages.get("/staff/customers", policy=staff("customers.read"))
async def list_customers(visit: Visit) -> web.Response:
    q = visit.query.get("q", "").strip() or None
    customers = await visit.api.get(
        "/staff/customers",
        Page[CustomerView],
        q=q,
        cursor=visit.query.get("cursor"),
        count=True,
    )
    return visit.render(
        "staff_customers/list.html",
        customers=customers,
        q=q,
        countries=dict(countries()),
    )


@pages.get("/staff/customers/{customer_id}", policy=staff("customers.read"))
async def show_customer(visit: Visit, customer_id: UUID) -> web.Response:
    """Show the customer; a panel whose service doesn't answer costs no other."""
    customer, services, invoices, payments, tickets = await asyncio.gather(
        visit.api.get(f"/staff/customers/{customer_id}", CustomerView),
        latest(visit, "services", StaffServiceView, customer_id=customer_id),
        latest(visit, "invoices", StaffInvoiceView, customer_id=customer_id),
        latest(visit, "payments", StaffPaymentView, customer_id=customer_id),
        latest(visit, "tickets", StaffTicketView, customer_id=customer_id),
    )
    return visit.render(
        "staff_customers/customer.html",
        customer=customer,
        services=services,
        invoices=invoices,
        payments=payments,
        tickets=tickets,
        countries=dict(countries()),
    )
