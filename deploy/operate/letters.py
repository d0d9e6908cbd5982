"""Dead letters of all services: seen, given back to their consumer, or dropped."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from getpass import getuser

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from chassis.addresses import server_of
from chassis.bus import BROKER_ERRORS, connect
from chassis.db import open_database
from chassis.deadletters import DeadLetter, DeadLetters, QueueMissing, recording
from chassis.topology import dead_queue
from deploy.local.faults import CannotStart
from deploy.operate.console import say
from deploy.operate.faults import CannotOperate
from deploy.operate.targets import Targets

ACTOR = "system:operator"


async def list_letters(
    targets: Targets, consumers: Sequence[str], *, limit: int
) -> int:
    """Say one line for each, the oldest of each consumer first; return how many.

    No more than `limit` of each are listed; all are counted.
    """
    total = 0
    async with broker(targets) as connection:
        for consumer in consumers:
            found = await DeadLetters(connection, consumer).list(limit)
            for letter in found:
                say(f"{consumer:9} {_line(letter)}")
            count = await _count(connection, consumer, found, limit)
            if count > limit:
                say(f"{consumer:9} … and {count - limit} newer: --limit lists more")
            total += count
    say(f"{total} dead letters" if total else "there are no dead letters")
    return total


async def show_letter(
    targets: Targets, message_id: str, consumers: Sequence[str]
) -> None:
    """Say all about one, without what looks like a secret."""
    async with broker(targets) as connection:
        consumer, letter = await _find(connection, message_id, consumers)
    say(f"consumer   {consumer}")
    say(f"event      {_plain(letter.type)} {_plain(letter.message_id)}")
    say(f"about      {letter.subject}")
    say(f"failed     {letter.failed_at}, after {letter.attempts} attempts")
    say(f"error      {_plain(letter.error)}")
    say(_plain(letter.masked_body))


async def replay(
    targets: Targets, message_id: str | None, consumers: Sequence[str]
) -> None:
    """Give one, or all, back; whatever was handled after all is passed over."""
    async with broker(targets) as connection:
        if message_id is not None:
            consumers = [(await _find(connection, message_id, consumers))[0]]
        for consumer in consumers:
            count = await DeadLetters(connection, consumer).replay(message_id)
            say(f"{consumer}: {count} given back")


async def drop(
    targets: Targets, message_id: str | None, consumers: Sequence[str], reason: str
) -> None:
    """Delete one, or all, once each is noted in its consumer's audit log."""
    why = f"{reason} ({getuser()})"
    async with broker(targets) as connection:
        if message_id is not None:
            consumers = [(await _find(connection, message_id, consumers))[0]]
        for consumer in consumers:
            url = targets.owner(consumer)
            async with open_database(url, schema=consumer, pool_size=2) as database:
                record = recording(database, why, ACTOR)
                letters = DeadLetters(connection, consumer)
                count = await letters.drop(message_id, record)
            say(f"{consumer}: {count} dropped, as its audit log says")


@asynccontextmanager
async def broker(targets: Targets) -> AsyncGenerator[AbstractConnection]:
    """Connect for one chore; a broker that is away ends it with one line."""
    url = targets.need("amqp_url")
    try:
        await targets.wake_broker()
        async with connect(url, "operate") as connection:
            yield connection
    except CannotStart as fault:
        raise CannotOperate(str(fault)) from None
    except QueueMissing as fault:
        raise CannotOperate(f"{fault}.") from None
    except (*BROKER_ERRORS, TimeoutError) as fault:
        raise CannotOperate(
            f"The broker at {server_of(url)} can't be used: {fault!r}."
        ) from None


async def queue_state(connection: AbstractConnection, queue: str) -> tuple[int, int]:
    """Return how many messages and consumers the queue has."""
    channel = await connection.channel()
    try:
        declared = (await channel.get_queue(queue)).declaration_result
    except ChannelNotFoundEntity:
        raise CannotOperate(f"there is no queue {queue}: run `migrate`") from None
    await channel.close()
    return declared.message_count or 0, declared.consumer_count or 0


async def _count(
    connection: AbstractConnection,
    consumer: str,
    found: Sequence[DeadLetter],
    limit: int,
) -> int:
    if len(found) < limit:
        return len(found)
    return max(len(found), (await queue_state(connection, dead_queue(consumer)))[0])


async def _find(
    connection: AbstractConnection, message_id: str, consumers: Sequence[str]
) -> tuple[str, DeadLetter]:
    found: dict[str, DeadLetter] = {}
    for consumer in consumers:
        letter = await DeadLetters(connection, consumer).find(message_id)
        if letter is not None:
            found[consumer] = letter
    match list(found.items()):
        case [only]:
            return only
        case []:
            raise CannotOperate(
                f"No dead letter of {', '.join(consumers)} has the id {message_id!r};"
                " `list` shows all."
            )
        case _:
            # One event, and each of its readers may need something else done.
            raise CannotOperate(
                f"{', '.join(found)}: each has a dead letter {message_id!r}; choose one"
                " with --service."
            )


def _line(letter: DeadLetter) -> str:
    return "  ".join(
        _plain(str(each))
        for each in (letter.message_id, letter.type, letter.failed_at, letter.error)
    )


def _plain(text: str) -> str:
    """Return it in one line, without what a terminal might obey: anybody wrote it."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in text
    )
