"""Installations of the product's database: a new one, one with a customer, more."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import aio_pika
import asyncpg

from chassis import readings
from chassis.db import open_database
from chassis.ids import uuid7
from chassis.migrations import migrate
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.operate.targets import SERVICES, Targets, place
from deploy.postgres.bootstrap import AUDITOR, bootstrap, dsns, owner_of, roles_of
from tests.integration.accounts.stage import Stage, staged
from tests.support.servers import Servers


@dataclass(frozen=True)
class Installed:
    """Two databases to be copied: as after bootstrap, and migrated as well."""

    servers: Servers
    bare: str
    migrated: str

    def urls(self, database: str) -> dict[str, str]:
        passwords = dict.fromkeys(roles_of(SERVICES), "test")
        return dsns(self.servers.postgres, SERVICES, passwords, database)


async def install(made: Installed) -> None:
    passwords = dict.fromkeys(roles_of(SERVICES), "test")
    await bootstrap(made.servers.postgres, SERVICES, passwords, made.bare)
    await administer(
        made.servers, f"CREATE DATABASE {made.migrated} TEMPLATE {made.bare}"
    )
    await migrate_all(made.urls(made.migrated))


async def migrate_all(urls: Mapping[str, str]) -> None:
    """Do what `migrate` does in the databases; `urls` are by role."""
    for service, events in SUBSCRIPTIONS.items():
        url = urls[owner_of(service)]
        await migrate(url, schema=service, package=f"services.{service}")
        await readings.note(url, schema=service, consumer=service, events=events)


async def administer(servers: Servers, sql: str) -> None:
    admin = await asyncpg.connect(servers.postgres)
    await admin.execute(sql)
    await admin.close()


@asynccontextmanager
async def installation(
    installed: Installed, template: str, folder: Path, amqp_url: str
) -> AsyncGenerator[Targets]:
    """Make a database for all services, as a new installation has it."""
    name = f"test_operate_{uuid7().hex}"
    await administer(installed.servers, f"CREATE DATABASE {name} TEMPLATE {template}")
    urls = installed.urls(name)
    try:
        yield Targets(
            owners={service: urls[owner_of(service)] for service in SERVICES},
            auditors=dict.fromkeys(SERVICES, urls[AUDITOR]),
            amqp_url=amqp_url,
            admin_url=installed.servers.postgres,
            processes={},
            blobs=folder / "blobs",
            backups=None,
        )
    finally:
        await administer(installed.servers, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def accounts(targets: Targets) -> AsyncGenerator[Stage]:
    url = targets.owner("accounts")
    async with (
        open_database(url, schema="accounts", pool_size=2) as database,
        staged(database) as stage,
    ):
        yield stage


async def fetch(url: str, sql: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(sql, *arguments)
    finally:
        await connection.close()


async def everything(targets: Targets) -> dict[str, list[str]]:
    """Return every row of every table of every service, as text."""
    found: dict[str, list[str]] = {}
    for service in SERVICES:
        url = targets.auditor(service)
        tables = await fetch(
            url,
            "SELECT tablename AS name FROM pg_tables WHERE schemaname = $1",
            service,
        )
        for table in [f"{service}.{row['name']}" for row in tables]:
            rows = await fetch(url, f"SELECT t::text AS content FROM {table} t")  # noqa: S608 - our own
            found[table] = sorted(row["content"] for row in rows)
    return found


def into(targets: Targets) -> str:
    return place(targets.owner("billing"))


async def begin_to_read(
    targets: Targets, reader: str, type_: str, *, since: timedelta
) -> None:
    """Let a reader have begun to read this type so long from now; negative: ago."""
    await fetch(
        targets.owner(reader),
        f"UPDATE {reader}.readings SET since = now() + $2 WHERE type = $1",  # noqa: S608 - our own
        *(type_, since),
    )


async def handle(targets: Targets, reader: str, type_: str, event_id: UUID) -> None:
    """Note in a reader's inbox that it has handled this, unless it had."""
    await fetch(
        targets.owner(reader),
        f"INSERT INTO {reader}.inbox (consumer, event_id, type) VALUES ($1, $2, $3)"  # noqa: S608 - our own
        " ON CONFLICT DO NOTHING",
        *(reader, event_id, type_),
    )


async def put(url: str, queue: str, message_id: str) -> None:
    """Put a message into a queue."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        body = json.dumps({"data": {"reset_token": "abc", "name": "Ana"}}).encode()
        message = aio_pika.Message(
            body,
            message_id=message_id,
            type="accounts.customer.updated.v1",
            headers={"error": "KeyError: 'x'"},
        )
        await channel.default_exchange.publish(message, queue)
