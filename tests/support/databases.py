"""Databases and virtual hosts of a test's own: made fast, gone afterwards."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import aiohttp
import asyncpg

from chassis.ids import uuid7
from chassis.migrations import migrate, migrations_of
from deploy.postgres.bootstrap import AUDITOR, bootstrap, owner_of, roles_of
from tests.support.servers import Servers

#: Whoever holds it makes a template; others wait and find it made.
TEMPLATE_LOCK = 7_231_004


@dataclass(frozen=True)
class ServiceDatabase:
    """One service's database, by role."""

    service: str
    package: str
    admin_url: str

    @property
    def url(self) -> str:
        """As the runtime role, which can't change the schema."""
        return _as_role(self.admin_url, self.service)

    @property
    def owner_url(self) -> str:
        return _as_role(self.admin_url, owner_of(self.service))

    @property
    def auditor_url(self) -> str:
        return _as_role(self.admin_url, AUDITOR, read_only=True)


@asynccontextmanager
async def fresh_database(
    servers: Servers, service: str, package: str
) -> AsyncGenerator[ServiceDatabase]:
    """Make a database with the service's migrations applied; drop it at the end."""
    admin = await asyncpg.connect(servers.postgres)
    name = f"test_{service}_{uuid7().hex}"
    try:
        template = await _template(admin, servers, service, package)
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield ServiceDatabase(
                service, package, _in_database(servers.postgres, name)
            )
        finally:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


async def empty(database: ServiceDatabase) -> None:
    """Leave in the database what its migrations put there, and nobody connected."""
    connection = await asyncpg.connect(database.admin_url)
    try:
        await connection.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """
        )
        # Without triggers: the append-only tables refuse it otherwise, as they should.
        await connection.execute("SET session_replication_role = replica")
        used = await _used_tables(connection, database.service)
        # What DELETE leaves would mix new rows with old room: they'd lose their order.
        await connection.execute(f"TRUNCATE {', '.join(used)} CASCADE")
        await connection.execute(
            f"INSERT INTO {database.service}.business_clock DEFAULT VALUES"
        )
    finally:
        await connection.close()


async def _used_tables(connection: asyncpg.Connection, schema: str) -> list[str]:
    """Return the tables with rows; the others aren't worth a new file each."""
    rows = await connection.fetch(
        """
        SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname = $1 AND tablename <> 'schema_migrations'
        """,
        schema,
    )
    names = [row["name"] for row in rows]
    used = " UNION ALL ".join(
        f"SELECT '{name}' AS name WHERE EXISTS (SELECT FROM {name})"  # noqa: S608 - our own
        for name in names
    )
    return [row["name"] for row in await connection.fetch(used)]


@asynccontextmanager
async def fresh_vhost(servers: Servers) -> AsyncGenerator[str]:
    """Make a virtual host on the broker; yields its URL."""
    name = f"test-{uuid7().hex}"
    path = f"{servers.management}/api/vhosts/{name}"
    user = urlsplit(servers.amqp).username
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        await session.put(path)
        await session.put(
            f"{servers.management}/api/permissions/{name}/{user}", json=rights
        )
        try:
            yield servers.amqp.rstrip("/") + f"/{name}"
        finally:
            await session.delete(path)


async def _template(
    admin: asyncpg.Connection, servers: Servers, service: str, package: str
) -> str:
    """Return the name of a database to copy; the same migrations share one."""
    contents = "".join(m.name + m.sha256 for m in migrations_of(package))
    digest = hashlib.sha256(contents.encode()).hexdigest()[:12]
    name = f"template_{service}_{digest}"
    await admin.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
    try:
        if not await _exists(admin, name):
            await _make_template(admin, servers, name, service, package)
    finally:
        await admin.execute("SELECT pg_advisory_unlock($1)", TEMPLATE_LOCK)
    return name


async def _make_template(
    admin: asyncpg.Connection, servers: Servers, name: str, service: str, package: str
) -> None:
    draft = f"{name}_draft"
    await admin.execute(f"DROP DATABASE IF EXISTS {draft} WITH (FORCE)")
    passwords = dict.fromkeys(roles_of([service]), "test")
    await bootstrap(servers.postgres, [service], passwords, draft)
    url = _as_role(_in_database(servers.postgres, draft), owner_of(service))
    await migrate(url, schema=service, package=package)
    await admin.execute(f"ALTER DATABASE {draft} RENAME TO {name}")


async def _exists(admin: asyncpg.Connection, name: str) -> bool:
    return await admin.fetchval(
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name
    )


def _in_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _as_role(url: str, role: str, *, read_only: bool = False) -> str:
    """Return a URL that connects with the role's rights, whatever its password."""
    options = f"-c role={role}"
    if read_only:
        options += " -c default_transaction_read_only=on"
    query = urlencode({"options": options}, quote_via=quote)
    return urlunsplit(urlsplit(url)._replace(query=query))
