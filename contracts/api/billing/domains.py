"""The API of domain names."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from chassis.http import PageQuery, View

DomainStatusName = Literal["pending", "active", "expired", "transferred_away"]


class ListDomains(PageQuery):
    """Which domains to show."""

    status: DomainStatusName | None = None


class DomainView(View):
    """A domain name of the customer's."""

    id: UUID
    name: str
    status: DomainStatusName
    expires_on: date | None
    auto_renew: bool
    created_at: datetime
