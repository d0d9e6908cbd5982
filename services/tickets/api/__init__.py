"""The HTTP routes of tickets: parse → command or query → response."""

from services.tickets.api import attachments, departments, staff, tickets

ROUTES = (
    departments.routes,
    attachments.routes,
    tickets.routes,
    staff.routes,
)
