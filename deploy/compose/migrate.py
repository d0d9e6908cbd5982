"""Makes database and broker ready for this release: `python -m deploy.compose.migrate`.

The database with its roles, every service's migrations as its owner, every queue, and
the note of what each service reads since when. Run again, and beside processes of the
release before, it does only what is missing.
"""

import asyncio
import logging
import sys
from urllib.parse import unquote, urlsplit

import asyncpg

from chassis import readings, topology
from chassis.addresses import is_weak, server_of
from chassis.bus import BROKER_ERRORS, connect
from chassis.migrations import CannotMigrate, migrate
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.compose.faults import CannotGoOn
from deploy.compose.secretfiles import SERVICES, database_files
from deploy.compose.told import told
from deploy.postgres.bootstrap import bootstrap


async def main() -> None:
    """Do it all; a fault ends it with one line, and what was done stays done."""
    await _prepare()
    for service in SERVICES:
        await _migrate(service)
    await _declare()
    _say("ready")


async def _prepare() -> None:
    """Make the database and its roles, with the passwords that their URLs have."""
    urls = {role: told(name) for name, role in database_files().items()}
    for role, url in urls.items():
        if is_weak(_password(url)):
            raise CannotGoOn(f"{role}: its password can be guessed; see `make secrets`")
    admin_url = told("database_admin_url")
    try:
        passwords = {role: _password(url) for role, url in urls.items()}
        await bootstrap(admin_url, SERVICES, passwords)
    except (asyncpg.PostgresError, OSError, TimeoutError) as fault:
        raise CannotGoOn(
            f"the database at {server_of(admin_url)} can't be prepared: {fault}; look"
            " at database_admin_url and postgres_password in the secrets"
        ) from None


def _password(url: str) -> str:
    return unquote(urlsplit(url).password or "")


async def _migrate(service: str) -> None:
    url = told(f"{service}_owner_database_url")
    try:
        applied = await migrate(url, schema=service, package=f"services.{service}")
        events = SUBSCRIPTIONS[service]
        await readings.intend(url, schema=service, consumer=service, events=events)
    except CannotMigrate as fault:
        raise CannotGoOn(f"{service}: {fault}") from None
    _say(f"{service}: {', '.join(applied) or 'nothing to migrate'}")


async def _declare() -> None:
    try:
        async with connect(told("amqp_url"), "migrate") as connection:
            await topology.declare(connection, SUBSCRIPTIONS, bound=_note_readings)
    except CannotMigrate as fault:
        raise CannotGoOn(str(fault)) from None
    except (*BROKER_ERRORS, TimeoutError) as fault:
        raise CannotGoOn(
            f"the broker can't be made ready: {fault}; look at amqp_url in the secrets"
        ) from None
    _say("queues: declared")


async def _note_readings() -> None:
    for service, events in SUBSCRIPTIONS.items():
        url = told(f"{service}_owner_database_url")
        try:
            await readings.note(url, schema=service, consumer=service, events=events)
        except CannotMigrate as fault:
            raise CannotGoOn(f"{service}: {fault}") from None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # What the library says of a fault is said once, in our sentence.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    asyncio.run(main())
