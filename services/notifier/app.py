"""The notifier on one screen: what the process is made of."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.process import CLOCK, DATABASE, Process, Resources
from chassis.settings import require
from contracts.subscriptions import SUBSCRIPTIONS, WAITING
from services.notifier.api import ROUTES
from services.notifier.checks import CHECKS
from services.notifier.consumers import consumers
from services.notifier.domain.languages import Language
from services.notifier.jobs import jobs
from services.notifier.measures import measure
from services.notifier.providers import MailServer, Sender
from services.notifier.seed import seed
from services.notifier.settings import MAILS_WAITING, Settings
from services.notifier.templates import Letterhead, Writer
from services.notifier.workflows import POSTAGE, Postage


@asynccontextmanager
async def open_resources(
    resources: Resources, settings: Settings
) -> AsyncGenerator[None]:
    """Lay out what writing and sending mails needs; nothing is connected yet."""
    require(settings, "smtp_url", "mail_from", "link_key", "portal_url", "company_name")
    letterhead = Letterhead(settings.company_name, settings.portal_url)
    resources[MAILS_WAITING] = asyncio.Event()
    resources[POSTAGE] = Postage(
        database=resources[DATABASE],
        clock=resources[CLOCK],
        server=MailServer(settings.smtp_url.get_secret_value()),
        writers={language: Writer(language, letterhead) for language in Language},
        sender=Sender(*settings.sender),
        link_key=settings.link_key.get_secret_value().encode(),
        connections=settings.smtp_connections,
    )
    yield


PROCESS = Process(
    name="notifier",
    package="services.notifier",
    settings=Settings,
    routes=ROUTES,
    consumers=consumers,
    subscriptions=SUBSCRIPTIONS,
    waiting=WAITING["notifier"],
    jobs=jobs,
    checks=CHECKS,
    measures=(measure,),
    resources=open_resources,
    seed=seed,
)
