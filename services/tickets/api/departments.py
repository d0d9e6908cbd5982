"""The departments that tickets go to."""

from chassis.http import (
    Call,
    Page,
    Routes,
    decode_cursor,
    encode_cursor,
    signed_in,
)
from contracts.api.tickets import DepartmentView, ListDepartments
from services.tickets.api.views import view_department
from services.tickets.store import departments as store

routes = Routes(tag="departments")


@routes.get("/departments", policy=signed_in())
async def list_departments(call: Call, query: ListDepartments) -> Page[DepartmentView]:
    """List the departments that tickets go to.

    Each says within how many minutes an answer is to be expected, by priority.
    """
    after = decode_cursor(query.cursor, int, str)
    async with call.reading() as tx:
        found = await store.list_departments(tx, after=after, limit=query.limit + 1)
        total = await query.total(found, lambda: store.count_departments(tx))
    shown = found[: query.limit]
    more = len(found) > query.limit
    language = query.language or call.principal.locale
    return Page[DepartmentView](
        items=[view_department(department, language) for department in shown],
        next=encode_cursor(shown[-1].position, shown[-1].slug) if more else None,
        total=total,
    )
