"""The latest of what staff's pages show beside their subject."""

from typing import TypeVar

from pydantic import BaseModel

from chassis.http import Page
from gateway.portal.visit import Visit
from gateway.services import Parameter, if_there

V = TypeVar("V", bound=BaseModel)

#: What a panel shows; its heading counts the whole list.
PANEL_ITEMS = 10


async def latest(
    visit: Visit,
    noun: str,
    model: type[V],
    *,
    limit: int = PANEL_ITEMS,
    **wanted: Parameter,
) -> Page[V] | None:
    """Return the latest of these; None where they are not to be had."""
    if not visit.may(f"{noun}.read"):
        return None
    return await if_there(
        visit.api.get(f"/staff/{noun}", Page[model], limit=limit, count=True, **wanted)
    )
