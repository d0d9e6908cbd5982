"""What the first page shows of billing, in one answer."""

from typing import Annotated

from pydantic import Field

from chassis.http import Page, Query, View
from contracts.api.billing.domains import DomainView
from contracts.api.billing.invoices import OutstandingView
from contracts.api.billing.orders import ServiceView


class ShowOverview(Query):
    """How much of each list to show."""

    limit: Annotated[int, Field(ge=1, le=100, description="Items per list.")] = 5


class OverviewView(View):
    """The caller's latest things and what they owe; null is what they may not see."""

    services: Page[ServiceView] | None
    domains: Page[DomainView] | None
    open_invoices: OutstandingView | None
