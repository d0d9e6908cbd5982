"""Customers as staff see them."""

from uuid import UUID

from chassis.http import Call, Page, Routes, decode_cursor, staff
from contracts.api.accounts import CustomerView, SearchCustomers
from services.accounts.api.views import view_customer
from services.accounts.domain.customers import search_words
from services.accounts.store import customers as store
from services.accounts.store import people as people_store

routes = Routes(tag="customers")


@routes.get("/staff/customers", policy=staff("customers.read"))
async def list_customers(call: Call, query: SearchCustomers) -> Page[CustomerView]:
    """List customers, newest first, or those that `q` finds."""
    cursor = decode_cursor(query.cursor, UUID)
    words = search_words(query.q) if query.q else None
    async with call.reading() as tx:
        customers = await store.list_customers(
            tx,
            words=words,
            before=cursor[0] if cursor else None,
            limit=query.limit + 1,
        )
        ids = [stored.customer.id for stored in customers]
        people = await people_store.list_people(tx, ids)
        total = await query.total(
            customers, lambda: store.count_customers(tx, words=words)
        )
    views = [view_customer(stored, people[stored.customer.id]) for stored in customers]
    return Page[CustomerView].of(
        views, limit=query.limit, cursor=lambda view: (view.id,), total=total
    )


@routes.get("/staff/customers/{customer_id}", policy=staff("customers.read"))
async def show_customer(call: Call, customer_id: UUID) -> CustomerView:
    """Show a customer, with the people who act for it."""
    async with call.reading() as tx:
        stored = await store.get_customer(tx, customer_id)
        people = await people_store.list_people(tx, [customer_id])
    return view_customer(stored, people[customer_id])
