"""Accounts on one screen: what the process is made of."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.process import CLOCK, VERIFIER, Process, Resources
from chassis.settings import require
from contracts.subscriptions import SUBSCRIPTIONS, WAITING
from services.accounts.api import ROUTES
from services.accounts.checks import CHECKS
from services.accounts.commands.states import current_customers, current_staff_members
from services.accounts.consumers import consumers
from services.accounts.jobs import jobs
from services.accounts.providers import Tokens, open_passwords
from services.accounts.seed import seed
from services.accounts.settings import SETTINGS, Settings
from services.accounts.workflows import PASSWORDS, TOKENS


@asynccontextmanager
async def open_resources(
    resources: Resources, settings: Settings
) -> AsyncGenerator[None]:
    """Open what hashes passwords and signs tokens; verify by the same keys."""
    require(settings, "signing_key", "link_key")
    async with open_passwords(settings.password_threads) as passwords:
        tokens = Tokens(
            settings.key, settings.accepted_keys, issuer=settings.token_issuer
        )
        resources[SETTINGS] = settings
        resources[PASSWORDS] = passwords
        resources[TOKENS] = tokens
        resources[VERIFIER] = tokens.verifier(resources[CLOCK])
        yield


PROCESS = Process(
    name="accounts",
    package="services.accounts",
    settings=Settings,
    routes=ROUTES,
    consumers=consumers,
    subscriptions=SUBSCRIPTIONS,
    waiting=WAITING["accounts"],
    jobs=jobs,
    checks=CHECKS,
    republishers={
        "customers": current_customers,
        "staff_members": current_staff_members,
    },
    resources=open_resources,
    seed=seed,
)
