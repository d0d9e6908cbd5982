"""What billing's objects look like in the events that tell of them."""

from typing import TypeVar

from contracts.events import billing
from contracts.money import MoneyModel
from services.billing.domain.invoices import Invoice, InvoiceStatus, Line
from services.billing.domain.services import Service, ServiceStatus

I_ = TypeVar("I_", bound=billing.InvoiceState)
S_ = TypeVar("S_", bound=billing.ServiceState)

_TOLD_BY_STATUS: dict[InvoiceStatus, type[billing.InvoiceState]] = {
    InvoiceStatus.DRAFT: billing.InvoiceDrafted,
    InvoiceStatus.OPEN: billing.InvoiceUpdated,
    InvoiceStatus.PAID: billing.InvoicePaid,
    InvoiceStatus.VOID: billing.InvoiceVoided,
    InvoiceStatus.UNCOLLECTIBLE: billing.InvoiceUpdated,
}
_TOLD_BY_SERVICE_STATUS: dict[ServiceStatus, type[billing.ServiceState]] = {
    ServiceStatus.PENDING: billing.ServiceOrdered,
    ServiceStatus.ACTIVE: billing.ServiceActivated,
    ServiceStatus.SUSPENDED: billing.ServiceActivated,
    ServiceStatus.TERMINATED: billing.ServiceCancelled,
    ServiceStatus.CANCELLED: billing.ServiceCancelled,
}


def invoice_event(event: type[I_], invoice: Invoice) -> I_:
    """Tell an invoice's state: `invoice_event(billing.InvoicePaid, invoice)`."""
    return event(
        invoice_id=invoice.id,
        version=invoice.version,
        customer_id=invoice.customer_id,
        kind=invoice.kind,
        number=invoice.number,
        status=invoice.status,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        total=MoneyModel.of(invoice.total),
        paid=MoneyModel.of(invoice.allocated),
        remaining=MoneyModel.of(invoice.remaining),
        lines=[_line_state(line) for line in invoice.lines],
    )


def invoice_issued(invoice: Invoice) -> billing.InvoiceIssued:
    """Tell that an invoice was issued, and of which order if it's a first one."""
    told = invoice_event(billing.InvoiceIssued, invoice)
    return told.model_copy(update={"order_id": invoice.order_id})


def service_event(event: type[S_], service: Service) -> S_:
    """Tell a service's state: `service_event(billing.ServiceRenewed, service)`."""
    return event(
        service_id=service.id,
        version=service.version,
        customer_id=service.customer_id,
        order_id=service.order_id,
        product=service.product_slug,
        product_name=service.product_name,
        label=service.label,
        status=service.status,
        period=service.period,
        recurring_amount=MoneyModel.of(service.recurring),
        paid_until=service.paid_until,
        next_due_on=service.next_due_on,
        reason=service.reason,
    )


def invoice_state(invoice: Invoice) -> billing.InvoiceState:
    """Tell the state by the event that fits its status."""
    return invoice_event(_TOLD_BY_STATUS[invoice.status], invoice)


def service_state(service: Service) -> billing.ServiceState:
    """Tell the state by the event that fits its status."""
    return service_event(_TOLD_BY_SERVICE_STATUS[service.status], service)


def _line_state(line: Line) -> billing.InvoiceLineState:
    return billing.InvoiceLineState(
        service_id=line.service_id,
        description=line.description,
        period_start=line.period_start,
        period_end=line.period_end,
        total=MoneyModel.of(line.total),
    )
