"""Dead letters of all services: seen, given back to their consumer, or dropped."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from getpass import getuser

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from chassis.addresses import server_of
from chassis.bus import BROKER_ERRORS, connect
from chassis.db import open_database
from chassis.deadletters import DeadLetter, DeadLetters, recording
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.operate.console import say
from deploy.operate.faults import CannotOperate
from deploy.operate.targets import Targets

ACTOR = "system:operator"


async def list_letters(
    targets: Targets, consumers: Sequence[str], *, limit: int
) -> int:
    """Say one line for each, the oldest of each consumer first; return how many."""
    count = 0
    async with broker(targets) as connection:
        for consumer in consumers:
            for letter in await DeadLetters(connection, consumer).list(limit):
                count += 1
                say(f"{consumer:9} {_line(letter)}")
    say(f"{count} dead letters" if count else "there are no dead letters")
    return count


async def show_letter(targets: Targets, message_id: str) -> None:
    """Say all about one, without what looks like a secret."""
    async with broker(targets) as connection:
        consumer, letter = await _find(connection, message_id)
    say(f"consumer   {consumer}")
    say(f"event      {letter.type} {letter.message_id}")
    say(f"about      {letter.subject}")
    say(f"failed     {letter.failed_at}, after {letter.attempts} attempts")
    say(f"error      {letter.error}")
    say(letter.masked_body)


async def replay(
    targets: Targets, message_id: str | None, consumers: Sequence[str]
) -> None:
    """Give one, or all, back; whatever was handled after all is passed over."""
    async with broker(targets) as connection:
        if message_id is not None:
            consumers = [(await _find(connection, message_id))[0]]
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
            consumers = [(await _find(connection, message_id))[0]]
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
        async with connect(url, "operate") as connection:
            yield connection
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


async def _find(
    connection: AbstractConnection, message_id: str
) -> tuple[str, DeadLetter]:
    for consumer in SUBSCRIPTIONS:
        letter = await DeadLetters(connection, consumer).find(message_id)
        if letter is not None:
            return consumer, letter
    raise CannotOperate(f"No dead letter has the id {message_id}; `list` shows all.")


def _line(letter: DeadLetter) -> str:
    return f"{letter.message_id}  {letter.type}  {letter.failed_at}  {letter.error}"
