"""The HTTP routes of tickets: parse → command or query → response."""

from services.tickets.api import attachments, customers, departments, staff

ROUTES = (
    departments.routes,
    attachments.routes,
    customers.routes,
    staff.routes,
)
