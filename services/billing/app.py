"""Billing on one screen: what the process is made of."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.process import Process, Resources
from contracts.subscriptions import SUBSCRIPTIONS, WAITING
from services.billing.api import ROUTES
from services.billing.api.documents import DOCUMENTS, Documents
from services.billing.checks import CHECKS
from services.billing.commands.states import current_invoices, current_services
from services.billing.consumers import consumers
from services.billing.jobs import jobs
from services.billing.measures import measure
from services.billing.seed import seed
from services.billing.settings import SETTINGS, Settings


@asynccontextmanager
async def open_resources(
    resources: Resources, settings: Settings
) -> AsyncGenerator[None]:
    """Hand out the settings by their own type, and what prints invoices."""
    resources[SETTINGS] = settings
    resources[DOCUMENTS] = Documents(settings)
    yield


PROCESS = Process(
    name="billing",
    package="services.billing",
    settings=Settings,
    routes=ROUTES,
    consumers=consumers,
    subscriptions=SUBSCRIPTIONS,
    waiting=WAITING["billing"],
    jobs=jobs,
    checks=CHECKS,
    measures=(measure,),
    republishers={"services": current_services, "invoices": current_invoices},
    resources=open_resources,
    seed=seed,
)
