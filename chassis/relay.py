"""The relay: takes events out of the outbox and marks them once the broker has them."""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from aio_pika.exceptions import PublishError

from chassis import metrics, topology, tracing, watermarks
from chassis.bus import Message, Publisher, connect, first_to_end, keep_up
from chassis.db import Database, Record, Transaction
from chassis.errors import Unavailable
from chassis.topology import EXCHANGE, Subscriptions
from chassis.watermarks import Readers

BATCH = 200
#: An event that the broker refused is tried again after so long; others go on.
RETRY_SECONDS = 1.0
AWAY_PAUSE_SECONDS = 0.5
#: Why the broker did not take an event: nobody has a queue for it, or it said no.
UNROUTABLE, REFUSED = "unroutable", "refused"

log = structlog.get_logger("relay")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Where and how a relay publishes."""

    amqp_url: str
    source: str
    subscriptions: Subscriptions
    #: Which of the readers may wait for what is published; None: any.
    waiting: Collection[str] | None = None
    delay_seconds: float = 0.0


class Relay:
    """Publishes one process's outbox; several may run, each row is taken by one."""

    def __init__(self, database: Database, settings: RelaySettings) -> None:
        self._database = database
        self._settings = settings
        self._read = {
            event.TYPE for events in settings.subscriptions.values() for event in events
        }
        self._queues = topology.readers_of(settings.subscriptions, settings.source)
        self._waiting = (
            self._queues if settings.waiting is None else list(settings.waiting)
        )
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        database.on_emitted = self._wake.set
        for reason in (UNROUTABLE, REFUSED):
            metrics.expect(metrics.publish_failures, reason)

    async def run(self) -> None:
        await keep_up(f"{self._settings.source} relay", self._session, self._stopping)

    def stop(self) -> None:
        """End `run` after the batch in hand; what is left stays in the outbox."""
        self._stopping.set()
        self._wake.set()

    async def _session(self) -> None:
        settings = self._settings
        name = f"{settings.source} relay"
        async with connect(settings.amqp_url, name) as connection:
            await topology.assert_declared(connection, settings.subscriptions)
            publisher = await Publisher.open(connection)
            is_declared = partial(
                topology.is_declared, connection, settings.subscriptions
            )
            readers = Readers(connection, self._queues, self._waiting, is_declared)
            marking = watermarks.send_forever(
                readers,
                self._database,
                settings.source,
                on_waiting=self._wake.set,
            )
            publishing = self._publish_until_stopped(publisher, readers)
            # Publishing alone ends when told to stop: after the batch in hand.
            await first_to_end(publishing, marking)

    async def _publish_until_stopped(
        self, publisher: Publisher, readers: Readers
    ) -> None:
        """Publish what waits, then whenever told of more.

        Commits of this process tell, and so does whoever looks for a watermark and
        sees what others have left: events of other processes, or refused ones.
        """
        while not self._stopping.is_set():
            self._wake.clear()
            if not await publisher.ready():
                continue
            await readers.look_unless_fresh()
            held = self._types_for(readers.absent)
            if await self._relay(publisher, held) < BATCH:
                await self._wake.wait()

    def _types_for(self, absent: Collection[str]) -> list[str]:
        """Return what must wait: nobody would keep it for these readers.

        The broker itself refuses an event only where nobody at all has a queue for it,
        and a listener's queue, which keeps nothing, counts there too.
        """
        return [
            event.TYPE
            for reader in absent
            for event in self._settings.subscriptions[reader]
        ]

    async def _relay(self, publisher: Publisher, held: Sequence[str]) -> int:
        """Publish one batch; return how many rows it had."""
        try:
            async with self._database.transaction() as tx:
                return await self._relay_batch(tx, publisher, held)
        except Unavailable as error:
            log.warning("outbox not read", error=repr(error.__cause__ or error))
            await asyncio.sleep(AWAY_PAUSE_SECONDS)
            return 0

    async def _relay_batch(
        self, tx: Transaction, publisher: Publisher, held: Sequence[str]
    ) -> int:
        # Rows stay locked while the broker is asked, so that no other relay takes
        # them; only a confirmed row is marked, so a crash here publishes it again.
        rows = await _take(tx, self._settings.delay_seconds, held)
        if not rows:
            return 0
        messages, began = [self._message(row) for row in rows], time.perf_counter()
        errors = await publisher.publish_all(messages)
        _trace(messages, errors, seconds=time.perf_counter() - began)
        outcomes = list(zip(rows, errors, strict=True))
        await mark_published(tx, [row["seq"] for row, error in outcomes if not error])
        refused = [(row, error) for row, error in outcomes if error]
        await _put_back(tx, refused)
        metrics.events_published.inc(len(rows) - len(refused))
        return len(rows)

    def _message(self, row: Record) -> Message:
        return Message(
            exchange=EXCHANGE,
            routing_key=row["type"],
            type=row["type"],
            body=row["body"].encode(),
            message_id=str(row["event_id"]),
            mandatory=row["type"] in self._read,
        )


def _trace(
    messages: Sequence[Message],
    errors: Sequence[BaseException | None],
    *,
    seconds: float,
) -> None:
    recording = tracing.recorder()
    if recording is None:
        return
    recording.published(
        [
            (message.type, message.body, type(error).__name__ if error else None)
            for message, error in zip(messages, errors, strict=True)
        ],
        seconds=seconds,
    )


async def _take(
    tx: Transaction, delay_seconds: float, held: Sequence[str]
) -> list[Record]:
    return await tx.fetch(
        """
        SELECT seq, event_id, type, body FROM outbox
        WHERE published_at IS NULL
          AND (retry_at IS NULL OR retry_at <= now())
          AND ($2::float8 = 0 OR emitted_at <= now() - make_interval(secs => $2))
          AND type <> ALL($3)
        ORDER BY seq LIMIT $1
        FOR UPDATE SKIP LOCKED
        """,
        BATCH,
        delay_seconds,
        held,
    )


async def mark_published(tx: Transaction, seqs: list[int]) -> None:
    await tx.execute("UPDATE outbox SET published_at = now() WHERE seq = ANY($1)", seqs)


async def _put_back(
    tx: Transaction, refused: Sequence[tuple[Record, BaseException]]
) -> None:
    """Leave refused events for later: one that has no queue must not hold up others."""
    if not refused:
        return
    for row, error in refused:
        reason = UNROUTABLE if isinstance(error, PublishError) else REFUSED
        metrics.publish_failures.labels(reason).inc()
        log.error("event not taken", reason=reason, type=row["type"], seq=row["seq"])
    await tx.execute(
        """
        UPDATE outbox SET retry_at = now() + make_interval(secs => $2)
        WHERE seq = ANY($1)
        """,
        [row["seq"] for row, _ in refused],
        RETRY_SECONDS,
    )
