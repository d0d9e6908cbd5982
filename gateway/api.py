"""The gateway's own route: the dashboard."""

from aiohttp import web

from chassis.http import Call, Routes, customer
from contracts.api.gateway import DashboardView
from gateway.dashboard import Dashboard

DASHBOARD: web.AppKey[Dashboard] = web.AppKey("dashboard")

routes = Routes(tag="dashboard")


@routes.get("/dashboard", policy=customer())
async def show_dashboard(call: Call) -> DashboardView:
    """Show the first page.

    A panel whose service doesn't answer is null and named in `unavailable`.
    """
    headers = call.request.headers
    return await call.resources[DASHBOARD].gather(
        headers["Authorization"], headers.get("Accept-Language")
    )
