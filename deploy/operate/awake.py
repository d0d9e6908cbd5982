"""Starts the servers of a `make run` that is stopped, while a command works."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy.local.datafolder import DataFolder
from deploy.local.environments import Addresses
from deploy.local.supervisor import Unit
from deploy.operate.faults import CannotOperate

if TYPE_CHECKING:
    from deploy.local.stack import Servers


@dataclass(frozen=True)
class Awake:
    """The servers of a `make run`, of which Postgres is there."""

    addresses: Addresses
    admin_url: str
    #: Starts RabbitMQ where nobody has, or raises CannotStart; few commands need it.
    wake_broker: Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Leave the broker to whoever keeps it."""


@asynccontextmanager
async def awake(data: DataFolder, addresses: Addresses) -> AsyncGenerator[Awake]:
    """Yield the servers that `make run` keeps, or start them until the block ends.

    Those that the environment names are left alone. Raises CannotStart where Postgres
    can't be started, or another command has started it.
    """
    from deploy.local.stack import (  # noqa: PLC0415 - the image has no servers to start
        PORTS,
        Servers,
    )

    with data.lent() as asleep:
        if not asleep:
            superuser = _superuser(Servers(data, _known_ports(data)))
            yield Awake(addresses, superuser, nothing)
            return
        ports = data.ports(PORTS)
        servers = Servers(data, ports)
        async with AsyncExitStack() as stack:

            async def wake_broker() -> None:
                if not servers.given_amqp and not servers.rabbitmq.alive:
                    await _start(stack, servers.rabbitmq)

            if not servers.given_postgres:
                await _start(stack, servers.postgres)
            moved = _moved(addresses, servers, ports)
            yield Awake(moved, _superuser(servers), wake_broker)


async def _start(stack: AsyncExitStack, server: Unit) -> None:
    # First: what is half-started must stop, too.
    stack.push_async_callback(server.stop)
    await server.start()


def _known_ports(data: DataFolder) -> dict[str, int]:
    return data.read("ports.json", dict[str, int]) or {}


def _moved(
    addresses: Addresses, servers: "Servers", ports: dict[str, int]
) -> Addresses:
    """Return where our servers are now: others may have their ports of before."""
    databases, amqp_url = addresses.databases, addresses.amqp_url
    if not servers.given_postgres:
        databases = {n: _at(url, ports["postgres"]) for n, url in databases.items()}
    if not servers.given_amqp:
        amqp_url = _at(amqp_url, ports["amqp"])
    return replace(addresses, databases=databases, amqp_url=amqp_url)


def _at(url: str, port: int) -> str:
    parts = urlsplit(url)
    server = parts.netloc.rpartition(":")[0]
    return parts._replace(netloc=f"{server}:{port}").geturl()


def _superuser(servers: "Servers") -> str:
    try:
        return servers.given_postgres or servers.postgres.url
    except FileNotFoundError:
        raise CannotOperate(
            "`make run` is making its Postgres: wait until it is ready."
        ) from None
