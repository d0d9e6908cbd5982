"""What the stream tells of an event, and to whom: ids alone, never what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from chassis.events import Envelope, Event
from chassis.principal import Principal
from contracts.api.gateway import RelatedView, StreamEventView
from contracts.events import accounts, billing, tickets


@dataclass(frozen=True, slots=True)
class Audience:
    """The permission that opens a change to its customer's people, and to staff."""

    #: None: the change is no customer's business.
    customer: str | None
    staff: str


_CUSTOMER = Audience("account", "customers.read")
_SERVICE = Audience("services", "services.read")
_INVOICE = Audience("billing", "invoices.read")
_PAYMENT = Audience("billing", "payments.read")
_TICKET = Audience("tickets", "tickets.read")
_TASK = Audience(None, "tickets.read")

#: The rights are those of the routes by which a client looks at what has changed.
AUDIENCES: Mapping[type[Event], Audience] = {
    accounts.CustomerRegistered: _CUSTOMER,
    accounts.CustomerUpdated: _CUSTOMER,
    billing.ServiceOrdered: _SERVICE,
    billing.ServiceActivated: _SERVICE,
    billing.ServiceRenewed: _SERVICE,
    billing.ServiceCancelled: _SERVICE,
    billing.InvoiceDrafted: _INVOICE,
    billing.InvoiceIssued: _INVOICE,
    billing.InvoiceUpdated: _INVOICE,
    billing.InvoicePaid: _INVOICE,
    billing.InvoiceVoided: _INVOICE,
    billing.PaymentStarted: _PAYMENT,
    billing.PaymentSucceeded: _PAYMENT,
    billing.PaymentCancelled: _PAYMENT,
    billing.CreditChanged: _PAYMENT,
    billing.StaffTaskRaised: _TASK,
    tickets.TicketOpened: _TICKET,
    tickets.TicketReplied: _TICKET,
    tickets.TicketAnswered: _TICKET,
    tickets.TicketHeld: _TICKET,
    tickets.TicketClosed: _TICKET,
    tickets.TicketReopened: _TICKET,
}


@dataclass(frozen=True, slots=True)
class Change:
    """An event as the stream tells it, rendered once for all who are told."""

    id: str
    customer_id: UUID | None
    audience: Audience
    #: What a customer's people read; staff read, in addition, whose it is.
    for_customer: bytes
    for_staff: bytes

    @classmethod
    def of(cls, envelope: Envelope, event: Event) -> "Change":
        """Return the change that the event tells of."""
        related = _related_to(event)
        for_staff = StreamEventView(
            type=event.TYPE.rpartition(".")[0],
            subject=event.subject,
            at=envelope.time,
            related=related,
        )
        unnamed = related.model_copy(update={"customer_id": None})
        for_customer = for_staff.model_copy(update={"related": unnamed})
        return cls(
            id=str(envelope.id),
            customer_id=related.customer_id,
            audience=AUDIENCES[type(event)],
            for_customer=frame(str(envelope.id), for_customer),
            for_staff=frame(str(envelope.id), for_staff),
        )

    def frame_for(self, principal: Principal) -> bytes | None:
        """Return what the principal is told; None: it isn't for them."""
        if principal.is_staff:
            entitled = self.audience.staff in principal.permissions
            return self.for_staff if entitled else None
        is_theirs = None not in (self.customer_id, principal.customer_id) and (
            self.customer_id == principal.customer_id
        )
        entitled = self.audience.customer in principal.permissions
        return self.for_customer if is_theirs and entitled else None


def frame(position: str, view: StreamEventView) -> bytes:
    """Return an event as it goes over the wire; `position` is where to go on from."""
    data = view.model_dump_json()
    return f"id: {position}\nevent: {view.type}\ndata: {data}\n\n".encode()


def _related_to(event: Event) -> RelatedView:
    match event:
        case accounts.CustomerState():
            return RelatedView(customer_id=event.customer_id)
        case billing.ServiceState():
            return RelatedView(
                customer_id=event.customer_id, service_ids=[event.service_id]
            )
        case billing.InvoiceState():
            return _related_to_invoice(event)
        case billing.PaymentState():
            return _related_to_payment(event)
        case billing.CreditChanged() | billing.StaffTaskRaised():
            return RelatedView(
                customer_id=event.customer_id, invoice_ids=_listed(event.invoice_id)
            )
        case tickets.TicketState():
            return RelatedView(
                customer_id=event.customer_id,
                ticket_id=event.ticket_id,
                invoice_ids=_listed(event.invoice_id),
                service_ids=event.service_ids,
            )
        case _:
            raise TypeError(f"{event.TYPE} is related to nothing that is known here")


def _related_to_invoice(event: billing.InvoiceState) -> RelatedView:
    services = dict.fromkeys(line.service_id for line in event.lines if line.service_id)
    return RelatedView(
        customer_id=event.customer_id,
        invoice_ids=[event.invoice_id],
        service_ids=list(services),
    )


def _related_to_payment(event: billing.PaymentState) -> RelatedView:
    return RelatedView(
        customer_id=event.customer_id,
        payment_id=event.payment_id,
        invoice_ids=[share.invoice_id for share in event.shares],
        ticket_id=(
            event.ticket_id if isinstance(event, billing.PaymentSucceeded) else None
        ),
    )


def _listed(found: UUID | None) -> list[UUID]:
    return [] if found is None else [found]
