"""Servers for benches of a part: private ones, as durable as in production.

TEST_POSTGRES_URL, TEST_AMQP_URL and TEST_AMQP_MANAGEMENT_URL name others to use.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from deploy.local.ports import free_ports
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ
from tests.e2e.stack import open_folder
from tests.support.servers import Servers, given_servers


@asynccontextmanager
async def started_servers() -> AsyncGenerator[Servers]:
    if given := given_servers():
        yield given
        return
    with open_folder() as folder:
        postgres = PrivatePostgres(folder / "postgres", free_ports(1)[0])
        rabbitmq = PrivateRabbitMQ(folder / "rabbitmq")
        try:
            await asyncio.gather(postgres.start(), rabbitmq.start())
            yield Servers(postgres.url, rabbitmq.url, rabbitmq.management_url)
        finally:
            await asyncio.gather(postgres.stop(), rabbitmq.stop())
            postgres.home.remove()
            rabbitmq.home.remove()
