"""What a page shows beside its own matter, where its reader may see that."""

from typing import TypeVar

from pydantic import BaseModel

from gateway.portal.visit import Visit
from gateway.services import Parameter, if_there

M = TypeVar("M", bound=BaseModel)


async def find_beside(
    visit: Visit, permission: str, path: str, model: type[M], **query: Parameter
) -> M | None:
    """Return it; None where it may not be seen, or isn't to be had: the page stands."""
    if not visit.may(permission):
        return None
    return await if_there(visit.api.get(path, model, **query))
