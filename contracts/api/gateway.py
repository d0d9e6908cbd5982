"""The API of the gateway: the first page, and the stream of what changes."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from chassis.http import View
from contracts.api.accounts import MeView
from contracts.api.billing.domains import DomainView
from contracts.api.billing.orders import ServiceView
from contracts.api.notifier import NewsView
from contracts.api.tickets import TicketView


class CountsView(View):
    """How long the lists behind the panels are; null where a service doesn't answer."""

    services: int | None
    domains: int | None
    open_invoices: int | None
    open_tickets: int | None


class DashboardView(View):
    """The panels of the first page; null is one that couldn't be had just now."""

    contact: MeView | None
    counts: CountsView
    services: list[ServiceView] | None = Field(description="The latest few.")
    tickets: list[TicketView] | None = Field(description="The last open ones.")
    domains: list[DomainView] | None
    news: list[NewsView] | None = Field(description="The latest few.")
    unavailable: list[str] = Field(description="Panels that couldn't be had just now.")


class RelatedView(View):
    """The things that a change concerns: ask the API for what they look like now."""

    customer_id: UUID | None = Field(
        default=None, description="Whose change it is; told to staff alone."
    )
    ticket_id: UUID | None = None
    payment_id: UUID | None = None
    invoice_ids: list[UUID] = Field(default=[])
    service_ids: list[UUID] = Field(default=[])


class StreamEventView(View):
    """The `data` of an event of the live stream: what has changed, by ids alone."""

    type: str = Field(
        description="What happened, which is also the event's name; `reset`: some of "
        "it may have been missed, so load anew what is shown.",
        examples=["tickets.ticket.answered", "billing.invoice.paid", "reset"],
    )
    subject: UUID | None = Field(description="What has changed; null in a reset.")
    at: datetime = Field(description="When it did.")
    related: RelatedView
