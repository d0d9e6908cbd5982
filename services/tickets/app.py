"""Tickets on one screen: what the process is made of."""

from chassis.process import Process
from contracts.subscriptions import SUBSCRIPTIONS
from services.tickets.api import ROUTES
from services.tickets.checks import CHECKS
from services.tickets.commands import current_states
from services.tickets.consumers import consumers
from services.tickets.jobs import jobs
from services.tickets.seed import seed
from services.tickets.settings import Settings

PROCESS = Process(
    name="tickets",
    package="services.tickets",
    settings=Settings,
    routes=ROUTES,
    consumers=consumers,
    subscriptions=SUBSCRIPTIONS,
    jobs=jobs,
    checks=CHECKS,
    republishers={"tickets": current_states},
    seed=seed,
)
