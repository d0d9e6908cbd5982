"""Accounts' HTTP routes, group by group."""

from services.accounts.api import (
    browser_sessions,
    customers,
    keys,
    me,
    passwords,
    sessions,
    staff,
)

ROUTES = (
    customers.routes,
    sessions.routes,
    passwords.routes,
    me.routes,
    staff.routes,
    keys.routes,
    browser_sessions.routes,
)
