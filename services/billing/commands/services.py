"""What becomes of services when the invoice that charges for them is paid, or void."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from contracts.events import billing
from services.billing.commands.events import service_event
from services.billing.domain import orders
from services.billing.domain.invoices import Invoice, Line, LineKind
from services.billing.domain.orders import OrderStatus
from services.billing.domain.services import (
    Service,
    activate,
    cancel,
    first_span,
    renew,
)
from services.billing.store.invoices import delete_periods, insert_periods
from services.billing.store.orders import get_order, save_order
from services.billing.store.services import lock_services, save_services


async def renew_for_paid_invoice(
    tx: Transaction, invoice: Invoice, *, on: date
) -> Invoice:
    """Begin, or go on with, what a paid invoice charges for.

    Returns the invoice with the dates that its first lines have from now on.
    """
    services = await _lock(tx, invoice.lines)
    if services:
        invoice = await _begin(tx, invoice, services, on=on)
        await _go_on(tx, invoice, services)
    if invoice.order_id:
        await _activate_order(tx, invoice.order_id)
    return invoice


async def release_for_void_invoice(
    tx: Transaction, invoice: Invoice, *, on: date
) -> None:
    """Let go of what a void invoice was to pay for.

    Its periods may be invoiced again; an order that waited for it is cancelled.
    """
    await delete_periods(tx, invoice.id)
    if invoice.order_id:
        await _cancel_order(tx, invoice, invoice.order_id, on=on)


async def _begin(
    tx: Transaction, invoice: Invoice, services: dict[UUID, Service], *, on: date
) -> Invoice:
    begun = {
        line.id: activate(service, on=on)
        for line in invoice.lines
        if line.kind is LineKind.FIRST
        and (service := services[_service_id(line)]).is_pending
    }
    lines = tuple(_dated(line, begun.get(line.id)) for line in invoice.lines)
    await insert_periods(
        tx, [line for line in lines if line.id in begun and line.period_start]
    )
    await _announce(tx, billing.ServiceActivated, list(begun.values()))
    return replace(invoice, lines=lines)


async def _go_on(
    tx: Transaction, invoice: Invoice, services: dict[UUID, Service]
) -> None:
    # Several periods of one service may be on one invoice: the last one decides.
    ends = {
        line.service_id: line.period_end
        for line in sorted(invoice.lines, key=_start)
        if line.kind is LineKind.RENEWAL and line.service_id and line.period_end
    }
    renewed = [renew(services[key], end) for key, end in ends.items()]
    await _announce(tx, billing.ServiceRenewed, renewed)


async def _activate_order(tx: Transaction, order_id: UUID) -> None:
    order = await get_order(tx, None, order_id)
    if order.status is OrderStatus.PENDING:
        await save_order(tx, orders.activate(order))


async def _cancel_order(
    tx: Transaction, invoice: Invoice, order_id: UUID, *, on: date
) -> None:
    order = await get_order(tx, None, order_id)
    if order.status is not OrderStatus.PENDING:
        return
    reason = "order_unpaid" if order.expires_on <= on else "invoice_void"
    await save_order(tx, orders.cancel(order))
    services = await _lock(tx, invoice.lines)
    cancelled = [cancel(service, reason=reason) for service in services.values()]
    await _announce(tx, billing.ServiceCancelled, cancelled)
    await audit.record(
        tx,
        "order.cancelled",
        subject=order.id,
        customer_id=order.customer_id,
        details={"number": order.number, "reason": reason},
    )


async def _lock(tx: Transaction, lines: Sequence[Line]) -> dict[UUID, Service]:
    ids = [line.service_id for line in lines if line.service_id]
    return {s.id: s for s in await lock_services(tx, ids)} if ids else {}


async def _announce(
    tx: Transaction, event: type[billing.ServiceState], services: Sequence[Service]
) -> None:
    if services:
        await save_services(tx, services)
        await tx.emit_many([service_event(event, service) for service in services])


def _dated(line: Line, service: Service | None) -> Line:
    span = first_span(service) if service else None
    if span is None:
        return line
    return replace(line, period_start=span.start, period_end=span.end)


def _service_id(line: Line) -> UUID:
    if line.service_id is None:
        raise ValueError(f"line {line.id} is about no service")
    return line.service_id


def _start(line: Line) -> date:
    return line.period_start or date.min
