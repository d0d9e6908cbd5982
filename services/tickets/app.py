"""Tickets on one screen: what the process is made of."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.process import Process, Resources
from contracts.subscriptions import SUBSCRIPTIONS, WAITING
from services.tickets.api import ROUTES
from services.tickets.checks import CHECKS
from services.tickets.commands.states import current_tickets
from services.tickets.consumers import consumers
from services.tickets.jobs import jobs
from services.tickets.measures import measure
from services.tickets.seed import seed
from services.tickets.settings import SETTINGS, Settings


@asynccontextmanager
async def open_resources(
    resources: Resources, settings: Settings
) -> AsyncGenerator[None]:
    """Let consumers find the settings by their own type."""
    resources[SETTINGS] = settings
    yield


PROCESS = Process(
    name="tickets",
    package="services.tickets",
    settings=Settings,
    routes=ROUTES,
    consumers=consumers,
    subscriptions=SUBSCRIPTIONS,
    waiting=WAITING["tickets"],
    jobs=jobs,
    checks=CHECKS,
    measures=(measure,),
    republishers={"tickets": current_tickets},
    resources=open_resources,
    seed=seed,
)
