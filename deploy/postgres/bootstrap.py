"""Make the database, and for each service its schema and its two roles.

`<service>_owner` owns the schema and migrates it; `<service>` reads and writes its
rows and can change nothing else. `auditor` reads everything and changes nothing.
`observer` reads the server's own numbers, and nobody's rows.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

AUDITOR = "auditor"
OBSERVER = "observer"
EXTENSIONS = ("citext", "btree_gist")
#: Roles are the whole server's: bootstraps of several databases take turns.
TURN = 7_321_005_119


def roles_of(services: Sequence[str]) -> list[str]:
    """Return every role that needs a password."""
    own = [role for name in services for role in (name, owner_of(name))]
    return [*own, AUDITOR, OBSERVER]


def owner_of(service: str) -> str:
    return f"{service}_owner"


async def bootstrap(
    admin_url: str,
    services: Sequence[str],
    passwords: Mapping[str, str],
    database: str = "clientarea",
) -> dict[str, str]:
    """Bring the server to this state from whatever it is in; return role → DSN."""
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", TURN)
        await _make_database(admin, database)
        for role in roles_of(services):
            await _make_role(admin, role, passwords[role])
        await _make_schemas(_in_database(admin_url, database), database, services)
    finally:
        await admin.close()
    return dsns(admin_url, services, passwords, database)


def dsns(
    server_url: str,
    services: Sequence[str],
    passwords: Mapping[str, str],
    database: str = "clientarea",
) -> dict[str, str]:
    """Return how each role connects to a server, bootstrapped or not yet."""
    found: dict[str, str] = {}
    for role in roles_of(services):
        server = urlsplit(server_url).netloc.rpartition("@")[2]
        who = f"{quote(role, safe='')}:{quote(passwords[role], safe='')}"
        found[role] = _in_database(server_url, database, netloc=f"{who}@{server}")
    return found


def _in_database(url: str, database: str, **parts: str) -> str:
    path = f"/{quote(database, safe='')}"
    return urlunsplit(urlsplit(url)._replace(path=path, **parts))


async def _make_database(admin: asyncpg.Connection, name: str) -> None:
    known = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
    if not await admin.fetchval(known, name):
        await _run(admin, "CREATE DATABASE %I", name)
    # By default everybody may connect, and make temporary tables.
    await _run(admin, "REVOKE ALL ON DATABASE %I FROM PUBLIC", name)


async def _make_role(admin: asyncpg.Connection, role: str, password: str) -> None:
    known = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
    if not await admin.fetchval(known, role):
        await _run(admin, "CREATE ROLE %I", role)
    await _run(
        admin,
        "ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %L",
        role,
        password,
    )


async def _make_schemas(url: str, database: str, services: Sequence[str]) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for extension in EXTENSIONS:
                await _run(
                    connection,
                    "CREATE EXTENSION IF NOT EXISTS %I SCHEMA public",
                    extension,
                )
            await connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            await _admit(connection, database, AUDITOR)
            await _run(
                connection,
                "ALTER ROLE %I SET default_transaction_read_only = on",
                AUDITOR,
            )
            await _admit(connection, database, OBSERVER)
            await _run(connection, "GRANT pg_monitor TO %I", OBSERVER)
            for service in services:
                await make_schema(connection, database, service)
    finally:
        await connection.close()


async def make_schema(
    connection: asyncpg.Connection, database: str, service: str
) -> None:
    """Make a service's empty schema, as a superuser in that database."""
    owner = owner_of(service)
    await _run(
        connection, "CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I", service, owner
    )
    for role in (service, owner):
        await _admit(connection, database, role)
        await _run(
            connection,
            "ALTER ROLE %I IN DATABASE %I SET search_path = %I, public",
            role,
            database,
            service,
        )
    await let_in(connection, service)


async def let_in(connection: asyncpg.Connection, service: str) -> None:
    """Let the runtime role use what the owner will make, and the auditor read it."""
    for role, tables, sequences in (
        (service, "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT"),
        (AUDITOR, "SELECT", "SELECT"),
    ):
        await _run(connection, "GRANT USAGE ON SCHEMA %I TO %I", service, role)
        for rights, kind in ((tables, "TABLES"), (sequences, "SEQUENCES")):
            await _run(
                connection,
                "ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I"
                f" GRANT {rights} ON {kind} TO %I",
                owner_of(service),
                service,
                role,
            )


async def _admit(connection: asyncpg.Connection, database: str, role: str) -> None:
    await _run(connection, "GRANT CONNECT ON DATABASE %I TO %I", database, role)


async def _run(connection: asyncpg.Connection, template: str, *names: str) -> None:
    """Run DDL, which takes no arguments: Postgres itself quotes the names."""
    sql = await connection.fetchval(
        "SELECT format($1, VARIADIC $2::text[])", template, list(names)
    )
    await connection.execute(sql)
