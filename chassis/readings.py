"""Since when a consumer reads each type of event: from then on, none may be missing."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from chassis.db import Transaction
from chassis.events import Event
from chassis.migrations import CannotMigrate, owning


async def intend(
    url: str, *, schema: str, consumer: str, events: Sequence[type[Event]]
) -> None:
    """Note what the consumer is about to read, as the schema's owner.

    To be called before its queue is bound, so that replicas of an older release pass
    over nothing that comes by the new bindings. Raises CannotMigrate as `note` does.
    """
    async with _noting(url, schema, consumer) as connection:
        await connection.execute(
            """
            INSERT INTO readings (consumer, type) SELECT $1, unnest($2::text[])
            ON CONFLICT DO NOTHING
            """,
            consumer,
            _types(events),
        )


async def note(
    url: str,
    *,
    schema: str,
    consumer: str,
    events: Sequence[type[Event]],
    since: datetime | None = None,
) -> None:
    """Note what the consumer reads, as the schema's owner, and forget what it doesn't.

    To be called once its queue is bound, so that whatever is published from then on was
    delivered; `since` names another instant than that. What is known keeps its own:
    where the broker has lost its queues, what was published meanwhile is missing.
    Raises CannotMigrate when the server can't be reached or refuses it.
    """
    types = _types(events)
    async with _noting(url, schema, consumer) as connection:
        await connection.execute(
            "DELETE FROM readings WHERE consumer = $1 AND type <> ALL($2)",
            consumer,
            types,
        )
        await connection.execute(
            """
            INSERT INTO readings (consumer, type, since)
            SELECT $1, unnest($2::text[]), coalesce($3, now())
            ON CONFLICT (consumer, type) DO UPDATE SET since = EXCLUDED.since
            WHERE readings.since IS NULL
            """,
            consumer,
            types,
            since,
        )


async def is_noted(tx: Transaction, consumer: str, type_: str) -> bool:
    """Tell whether the release that migrated last reads this type, or is about to."""
    return await tx.fetchval(
        """
        SELECT EXISTS (SELECT FROM readings WHERE consumer = $1 AND type = $2)
        """,
        consumer,
        type_,
    )


@asynccontextmanager
async def _noting(
    url: str, schema: str, consumer: str
) -> AsyncGenerator[asyncpg.Connection]:
    async with owning(url, schema) as connection:
        try:
            async with connection.transaction():
                yield connection
        except (asyncpg.PostgresError, OSError, asyncpg.InterfaceError) as fault:
            raise CannotMigrate(
                f"what {consumer} reads can't be noted: {fault}"
            ) from fault


def _types(events: Sequence[type[Event]]) -> list[str]:
    return sorted(event.TYPE for event in events)
