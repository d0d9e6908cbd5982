"""Events that a reader never got: lost with the broker, or by going back in time."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from uuid import UUID

import asyncpg

from deploy.audit import opened
from deploy.operate.faults import CannotOperate
from deploy.operate.snapshots import connected
from deploy.operate.targets import SERVICES, Targets
from deploy.unheard import Unheard, compare, unnoted

CHUNK = 1000


async def unheard(targets: Targets, *, older_than: timedelta) -> list[Unheard]:
    """Return what was published, and is missing from the inbox of a reader.

    What was published more recently than `older_than` may still be on its way.
    """
    async with opened(_auditors(targets)) as databases:
        compared = await compare(databases)
    _refuse(compared.unnoted)
    return [
        event
        for event in compared.unheard
        if event.published_for is not None and event.published_for >= older_than
    ]


async def refuse_unnoted(targets: Targets, services: Collection[str]) -> None:
    """Refuse what `unheard` would refuse, but for these, which are to be noted yet."""
    urls = _auditors(targets)
    others = {name: urls[name] for name in urls if name not in services}
    try:
        async with opened(others) as databases:
            _refuse(await unnoted(databases))
    except asyncpg.UndefinedTableError:
        raise CannotOperate(
            f"{', '.join(others)}: not all are as this release has them: run `migrate`."
        ) from None


async def resend(targets: Targets, events: Iterable[Unheard]) -> Mapping[str, int]:
    """Have the relays publish them again; the inbox of who knows one passes it over."""
    by_producer: dict[str, list[UUID]] = {}
    for event in events:
        by_producer.setdefault(event.producer, []).append(event.event_id)
    for producer, ids in by_producer.items():
        async with connected(targets.owner(producer)) as connection:
            await connection.execute(
                "SELECT set_config('search_path', $1, false)", producer
            )
            for first in range(0, len(ids), CHUNK):
                await connection.execute(
                    """
                    UPDATE outbox SET published_at = NULL, retry_at = NULL
                    WHERE event_id = ANY($1)
                    """,
                    ids[first : first + CHUNK],
                )
    return {producer: len(ids) for producer, ids in by_producer.items()}


def _auditors(targets: Targets) -> Mapping[str, str]:
    return {name: targets.auditor(name) for name in SERVICES}


def _refuse(unnoted: Iterable[tuple[str, str]]) -> None:
    for consumer, type_ in unnoted:
        raise CannotOperate(
            f"Since when {consumer} reads {type_} is not noted: run `migrate`."
        )
