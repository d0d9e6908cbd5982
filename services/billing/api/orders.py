"""The routes of orders."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chassis.errors import Unavailable
from chassis.http import Call, Page, Routes, customer, decode_cursor, staff
from contracts.api.billing.orders import (
    ListOrders,
    ListStaffOrders,
    OrderPreviewView,
    OrderView,
    PlaceOrder,
    PreviewOrder,
    StaffOrderView,
)
from services.billing.api.amounts import expected_of
from services.billing.api.views import (
    view_order,
    view_order_for_staff,
    view_preview,
)
from services.billing.commands.orders import Cart, place_order, preview_order
from services.billing.domain.catalogue import Wanted
from services.billing.domain.orders import Order, OrderStatus
from services.billing.domain.periods import Period
from services.billing.settings import SETTINGS
from services.billing.store import orders as store
from services.billing.store.customers import find_known_customer, list_customer_names
from services.billing.store.orders import OrderFilter

routes = Routes(tag="orders")


@routes.post("/orders", policy=customer("services"), status=201)
async def order_products(call: Call, body: PlaceOrder) -> OrderView:
    """Order products.

    The answer names the invoice to pay and the services that begin once it is paid; a
    quantity of several makes several services. With `expected`, 409 and nothing is done
    if the total would be another.
    """
    cart = replace(_cart(call, body), expected=expected_of(body.expected))
    # The buyer's details may still be travelling. The order needn't wait for them
    # longer than this: its invoice is a draft until they arrive.
    with suppress(Unavailable):
        await call.wait_for(
            lambda tx: find_known_customer(tx, cart.customer_id), of="accounts"
        )
    async with call.transaction() as tx:
        terms = call.resources[SETTINGS].terms
        order = await place_order(tx, cart, terms=terms, on=call.today, now=call.now)
        return await call.complete(tx, view_order(order))


@routes.post("/orders/preview", policy=customer("services"), keeps_answer=False)
async def preview_products(call: Call, body: PreviewOrder) -> OrderPreviewView:
    """Preview an order.

    Says to the cent what `POST /orders` would ask for the same, and changes nothing.
    """
    async with call.reading() as tx:
        return view_preview(await preview_order(tx, _cart(call, body)))


@routes.get("/orders", policy=customer("services"))
async def list_orders(call: Call, query: ListOrders) -> Page[OrderView]:
    """List the caller's orders, newest first."""
    found, total = await _find(call, query, scope=call.customer_id)
    return Page[OrderView].of(
        [view_order(order) for order in found],
        limit=query.limit,
        cursor=_place,
        total=total,
    )


@routes.get("/orders/{order_id}", policy=customer("services"))
async def show_order(call: Call, order_id: UUID) -> OrderView:
    """Show one order."""
    async with call.reading() as tx:
        return view_order(await store.get_order(tx, call.customer_id, order_id))


@routes.get("/staff/orders", policy=staff("orders.read"))
async def list_staff_orders(call: Call, query: ListStaffOrders) -> Page[StaffOrderView]:
    """List all customers' orders, or one's, newest first."""
    found, total = await _find(call, query, scope=query.customer_id)
    async with call.reading() as tx:
        names = await list_customer_names(tx, (o.customer_id for o in found))
    return Page[StaffOrderView].of(
        [view_order_for_staff(o, names[o.customer_id]) for o in found],
        limit=query.limit,
        cursor=_place,
        total=total,
    )


@routes.get("/staff/orders/{order_id}", policy=staff("orders.read"))
async def show_staff_order(call: Call, order_id: UUID) -> StaffOrderView:
    """Show any customer's order."""
    async with call.reading() as tx:
        order = await store.get_order(tx, None, order_id)
        names = await list_customer_names(tx, [order.customer_id])
    return view_order_for_staff(order, names[order.customer_id])


async def _find(
    call: Call, query: ListOrders, *, scope: UUID | None
) -> tuple[list[Order], int | None]:
    wanted = OrderFilter(
        scope=scope, status=OrderStatus(query.status) if query.status else None
    )
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        found = await store.list_orders(
            tx, wanted, before=before, limit=query.limit + 1
        )
        total = await query.total(found, lambda: store.count_orders(tx, wanted))
    return found, total


def _place(order: OrderView) -> tuple[datetime, UUID]:
    return order.created_at, order.id


def _cart(call: Call, body: PreviewOrder) -> Cart:
    principal = call.principal
    return Cart(
        customer_id=call.customer_id,
        currency=principal.currency or "",
        language=principal.locale,
        items=[
            Wanted(item.product, Period(item.period), item.quantity, item.label)
            for item in body.items
        ],
        use_credit=body.use_credit,
    )
