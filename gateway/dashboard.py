"""The first page: asks all services at once, and loses one's panels at most."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import structlog
from aiohttp import ClientResponseError
from pydantic import BaseModel

from chassis.client import UpstreamAway, carried_headers
from chassis.errors import NotAuthenticated
from chassis.http import Page
from contracts.api.accounts import MeView
from contracts.api.billing.domains import DomainView
from contracts.api.billing.invoices import OutstandingView
from contracts.api.billing.orders import ServiceView
from contracts.api.billing.overview import OverviewView
from contracts.api.gateway import CountsView, DashboardView
from contracts.api.notifier import NewsView
from contracts.api.tickets import TicketView
from gateway.services import API
from gateway.settings import Settings
from gateway.upstream import Sending, Upstream

#: Items that a panel shows; the count beside it is of the whole list.
PANEL_ITEMS = 5

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V", bound=BaseModel)

log = structlog.get_logger("dashboard")


class Dashboard:
    """Gathers the panels; one that isn't answered in time is named as unavailable."""

    def __init__(self, settings: Settings, upstream: Upstream) -> None:
        self._upstream = upstream
        self._seconds = settings.panel_timeout_seconds

    async def gather(self, authorization: str, language: str | None) -> "Panels":
        """Ask every service at once, as the caller."""
        headers = carried_headers()
        headers["Authorization"] = authorization
        if language:
            headers["Accept-Language"] = language
        some = f"limit={PANEL_ITEMS}"
        ask = partial(self._ask, headers)
        open_tickets = f"{API}/tickets?closed=false&count=true&{some}"
        # Who has most to do begins first.
        bought, contact, tickets, news = await asyncio.gather(
            ask("billing", f"/internal/overview?{some}", OverviewView),
            ask("accounts", f"{API}/me", MeView),
            ask("tickets", open_tickets, Page[TicketView]),
            ask("notifier", f"{API}/news?{some}", Page[NewsView]),
        )
        return Panels(
            contact=contact,
            services=bought.services if bought else None,
            domains=bought.domains if bought else None,
            open_invoices=bought.open_invoices if bought else None,
            tickets=tickets,
            news=news,
        )

    async def _ask(
        self, headers: Mapping[str, str], service: str, path: str, model: type[M]
    ) -> M | None:
        """Return the service's answer, or None if it gives no good one in time."""
        sending = Sending(method="GET", headers=headers, total_seconds=self._seconds)
        try:
            async with self._upstream.call(service, path, sending) as answer:
                if answer.status == HTTPStatus.UNAUTHORIZED:
                    raise NotAuthenticated
                answer.raise_for_status()
                # A service that is a release ahead may say more than we know.
                return model.model_validate_json(await answer.read(), extra="ignore")
        except (UpstreamAway, ValueError) as error:
            # The error itself may quote the caller's token.
            cause = error.__cause__ or error
            status = cause.status if isinstance(cause, ClientResponseError) else None
            reason = type(cause).__name__
            log.warning("no panel", service=service, reason=reason, status=status)
            return None


@dataclass(frozen=True, slots=True)
class Panels:
    """What the services answered; None where one gave no good answer in time."""

    contact: MeView | None
    services: Page[ServiceView] | None
    domains: Page[DomainView] | None
    open_invoices: OutstandingView | None
    tickets: Page[TicketView] | None
    news: Page[NewsView] | None

    def view(self) -> DashboardView:
        """Return them as the API tells them."""
        names = [panel.name for panel in fields(self)]
        outstanding = self.open_invoices
        return DashboardView(
            contact=self.contact,
            counts=CountsView(
                services=_total(self.services),
                domains=_total(self.domains),
                open_invoices=outstanding.invoices if outstanding else None,
                open_tickets=_total(self.tickets),
            ),
            services=_items(self.services),
            domains=_items(self.domains),
            tickets=_items(self.tickets),
            news=_items(self.news),
            unavailable=[name for name in names if getattr(self, name) is None],
        )


def _total(page: Page[V] | None) -> int | None:
    return page.total if page else None


def _items(page: Page[V] | None) -> list[V] | None:
    return page.items if page else None
