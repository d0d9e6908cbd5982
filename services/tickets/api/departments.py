"""The departments that tickets go to."""

from chassis.http import Call, Routes, signed_in
from contracts.api.tickets import DepartmentsView
from services.tickets.api.views import view_department
from services.tickets.store import departments as store

routes = Routes(tag="departments")


@routes.get("/departments", policy=signed_in())
async def list_departments(call: Call) -> DepartmentsView:
    """List the departments that tickets go to.

    Each says within how many minutes an answer is to be expected, by priority.
    """
    async with call.reading() as tx:
        departments = await store.list_departments(tx)
    language = call.principal.locale
    return DepartmentsView(items=[view_department(d, language) for d in departments])
