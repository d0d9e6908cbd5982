"""The API of the gateway: the first page, gathered from all services."""

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
