"""Placing orders, and cancelling those that were never paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from chassis.ids import uuid7
from chassis.money import Money
from contracts.events import billing
from services.billing.commands.credit import apply_available_credit
from services.billing.commands.events import service_event
from services.billing.commands.invoicing import create_invoice
from services.billing.commands.voiding import void_invoice
from services.billing.domain.catalogue import PricedItem, Wanted, price_items, total_of
from services.billing.domain.invoices import InvoiceKind, NewLine
from services.billing.domain.orders import (
    Order,
    OrderStatus,
    Preview,
    bought_service,
    check_total,
    first_lines,
    preview,
)
from services.billing.domain.services import Service
from services.billing.domain.terms import Terms
from services.billing.store.balances import get_credit
from services.billing.store.customers import lock_customer
from services.billing.store.orders import get_order, insert_order, next_number
from services.billing.store.products import list_products_called
from services.billing.store.runs import list_unpaid_invoices
from services.billing.store.services import insert_services


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """What a customer wants to buy, and how the token says to speak to them.

    `expected` is the total that they were shown.
    """

    customer_id: UUID
    currency: str
    language: str
    items: Sequence[Wanted]
    use_credit: bool = False
    expected: Money | None = None


@dataclass(frozen=True, slots=True)
class _Bought:
    """One item with the services that its pieces became."""

    item: PricedItem
    services: tuple[Service, ...]


async def place_order(
    tx: Transaction, cart: Cart, *, terms: Terms, on: date, now: datetime
) -> Order:
    """Price a cart, make its services and invoice it; what is free begins at once.

    Raises SumChanged if that isn't the total that the customer was shown.
    """
    customer = await lock_customer(tx, cart.customer_id)
    language = customer.language if customer.known else cart.language
    items = await _price(tx, cart, language)
    order = await _open_order(tx, cart, items, terms=terms, on=on, now=now)
    bought = await _order_services(tx, order, items)
    invoice = await create_invoice(
        tx,
        customer=customer,
        kind=InvoiceKind.SERVICE,
        currency=cart.currency,
        lines=_lines(bought, language),
        due_on=terms.first_due_on(on),
        seller=terms.seller,
        order_id=order.id,
        on=on,
        now=now,
    )
    # What the page showed is what the invoice asks for, with all that comes on top.
    check_total(invoice.total, cart.expected)
    if cart.use_credit:
        await apply_available_credit(tx, invoice, on=on, now=now)
    return await get_order(tx, customer.id, order.id)


async def preview_order(tx: Transaction, cart: Cart) -> Preview:
    """Say what placing this order would ask for; nothing is written."""
    return preview(
        await _price(tx, cart, cart.language),
        currency=cart.currency,
        language=cart.language,
        credit=await get_credit(tx, cart.customer_id, cart.currency),
        use_credit=cart.use_credit,
    )


async def cancel_unpaid_orders(
    tx: Transaction, customer_id: UUID, *, on: date, booked_on: date, now: datetime
) -> int:
    """Cancel a customer's orders that are past their time; return how many."""
    await lock_customer(tx, customer_id)
    invoice_ids = await list_unpaid_invoices(tx, customer_id, on=on)
    for invoice_id in invoice_ids:
        # Voiding an order's invoice cancels the order and frees what was paid.
        await void_invoice(tx, invoice_id, on=booked_on, now=now)
    return len(invoice_ids)


async def _price(tx: Transaction, cart: Cart, language: str) -> list[PricedItem]:
    found = await list_products_called(tx, [item.product for item in cart.items])
    products = {slug: product.in_language(language) for slug, product in found.items()}
    return price_items(cart.items, products, cart.currency)


async def _open_order(
    tx: Transaction,
    cart: Cart,
    items: Sequence[PricedItem],
    *,
    terms: Terms,
    on: date,
    now: datetime,
) -> Order:
    order = Order(
        id=uuid7(),
        number=await next_number(tx),
        customer_id=cart.customer_id,
        status=OrderStatus.PENDING,
        total=total_of(items, cart.currency),
        placed_on=on,
        expires_on=terms.order_expires_on(on),
        created_at=now,
        version=1,
    )
    await insert_order(tx, order)
    await audit.record(
        tx,
        "order.placed",
        subject=order.id,
        customer_id=order.customer_id,
        details={"number": order.number, "total": str(order.total)},
    )
    return order


async def _order_services(
    tx: Transaction, order: Order, items: Sequence[PricedItem]
) -> list[_Bought]:
    bought = [
        _Bought(
            item,
            tuple(bought_service(uuid7(), item, order) for _ in range(item.quantity)),
        )
        for item in items
    ]
    services = [service for one in bought for service in one.services]
    await insert_services(tx, services)
    await tx.emit_many([service_event(billing.ServiceOrdered, s) for s in services])
    return bought


def _lines(bought: Sequence[_Bought], language: str) -> list[NewLine]:
    return [
        line
        for one in bought
        for line in first_lines(one.item, [s.id for s in one.services], language)
    ]
