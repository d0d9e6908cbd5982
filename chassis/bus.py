"""RabbitMQ: connections that are made anew after any loss, and confirmed publishing."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote, urlsplit

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import (
    AMQPError,
    ChannelInvalidStateError,
    DeliveryError,
    PublishError,
)
from aiormq import Channel as ProtocolChannel
from aiormq import spec
from aiormq.exceptions import InvalidFrameError, ProbableAuthenticationError
from pamqp.exceptions import PAMQPException

CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 2.0
HEARTBEAT_SECONDS = 10
#: Shorter than a transaction may be idle, as the relay's is meanwhile.
CONFIRM_SECONDS = 10.0
BLOCKED_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
PERSISTENT = 2

#: What a lost, silent or refusing broker looks like.
BROKER_ERRORS = (AMQPError, ChannelInvalidStateError, PAMQPException, OSError)
#: What one meets who tidies up on a connection that may be lost, in the library's
#: words: no answer in time, or nobody there to be asked.
LOST_ERRORS = (*BROKER_ERRORS, TimeoutError, RuntimeError)

#: For whoever reads that the broker is away again and again.
HELP = "waiting for it; if that takes long, look at AMQP_URL and at the broker's log"

log = structlog.get_logger("bus")


class BrokerRefuses(AMQPError):
    """The broker is there, and doesn't take AMQP_URL's user or virtual host."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self._sentence = sentence

    def __repr__(self) -> str:
        """Return the sentence alone, as lines of the log and of commands quote it."""
        return self._sentence

    __str__ = __repr__


@asynccontextmanager
async def connect(url: str, name: str) -> AsyncGenerator[AbstractConnection]:
    """Open a connection that shows its name to operators.

    Raise BrokerRefuses if the broker says no; the rest of BROKER_ERRORS, or
    TimeoutError, if it can't be reached.
    """
    connection = await _open(url, name)
    try:
        yield connection
    except RuntimeError as fault:
        # aiormq's answer to who wants a channel of a connection that was just lost.
        if "closed" not in str(fault) or not _is_lost(connection):
            raise
        raise ConnectionError("the connection was lost") from fault
    finally:
        await _close(connection)


async def keep_up(
    name: str, session: Callable[[], Awaitable[None]], stopping: asyncio.Event
) -> None:
    """Run the session again and again, with growing pauses, until told to stop.

    Each one opens a connection of its own and ends with it. aio-pika's robust
    connections would mend themselves, yet may lose consumers doing so, and never
    replay a failed publish; a session that starts afresh has no such half-state.
    """
    pause = FIRST_PAUSE_SECONDS
    loop = asyncio.get_running_loop()
    while not stopping.is_set():
        began = loop.time()
        try:
            await session()
        except BROKER_ERRORS as error:
            log.warning(
                "broker session ended", session=name, error=repr(error), help=HELP
            )
        if loop.time() - began > LONGEST_PAUSE_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        await sleep_unless(stopping, pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def first_to_end(*parts: Coroutine[object, object, None]) -> None:
    """Run all at once; when one ends or fails, end the others, and raise its error."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def sleep_unless(event: asyncio.Event, seconds: float) -> None:
    """Sleep, but only until the event happens."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to the broker; `mandatory` where somebody reads it."""

    exchange: str
    routing_key: str
    type: str
    body: bytes
    message_id: str
    headers: dict[str, str | int] | None = None
    mandatory: bool = True


async def protocol_of(channel: AbstractChannel) -> ProtocolChannel:
    """Return the channel one layer down: it wraps and waits less."""
    return cast("ProtocolChannel", await channel.get_underlay_channel())


class Publisher:
    """A channel with confirms: what it reports as published, the broker has stored."""

    def __init__(
        self, connection: AbstractConnection, channel: ProtocolChannel
    ) -> None:
        self._connection = connection
        self._channel = channel

    @classmethod
    async def open(cls, connection: AbstractConnection) -> "Publisher":
        # A return without an error would look like success.
        channel = await connection.channel(on_return_raises=True)
        return cls(connection, await protocol_of(channel))

    async def ready(self) -> bool:
        """Whether the broker takes messages; under an alarm, wait a moment for it."""
        transport = self._connection.transport
        if transport is None or self._channel.is_closed:
            raise ChannelInvalidStateError("the channel is closed")
        try:
            async with asyncio.timeout(BLOCKED_SECONDS):
                await transport.connection.ready()
        except TimeoutError:
            return False
        return True

    async def publish(self, message: Message) -> None:
        """Publish one message, or raise why it can't be said to have arrived."""
        error = (await self.publish_all([message]))[0]
        if error is not None:
            raise error

    async def publish_all(
        self, messages: Sequence[Message]
    ) -> list[BaseException | None]:
        """Publish at once; return for each message None, or why it was refused.

        A connection that is lost, or silent for too long, raises: then nobody knows.
        """
        async with asyncio.timeout(CONFIRM_SECONDS):
            results = await asyncio.gather(
                *(self._send(message) for message in messages), return_exceptions=True
            )
        for error in results:
            if error is not None and not isinstance(error, _REFUSALS):
                raise error
        return results

    async def _send(self, message: Message) -> None:
        await self._channel.basic_publish(
            message.body,
            exchange=message.exchange,
            routing_key=message.routing_key,
            mandatory=message.mandatory,
            properties=spec.Basic.Properties(
                content_type="application/cloudevents+json",
                delivery_mode=PERSISTENT,
                message_id=message.message_id,
                message_type=message.type,
                headers=dict(message.headers) if message.headers else None,
            ),
            wait=False,
        )


#: The broker's answers about one message alone.
_REFUSALS = (PublishError, DeliveryError)


async def _open(url: str, name: str) -> AbstractConnection:
    try:
        return await aio_pika.connect(
            url,
            timeout=CONNECT_SECONDS,
            heartbeat=HEARTBEAT_SECONDS,
            client_properties={"connection_name": name},
        )
    except ProbableAuthenticationError:
        server, user, _ = _names_in(url)
        raise BrokerRefuses(
            f"{server} has no user {user!r}, or another password for it"
        ) from None
    except InvalidFrameError as fault:
        # Closed where it should have opened the virtual host; aiormq keeps no reason.
        if spec.Connection.OpenOk.name not in str(fault):
            raise
        server, user, vhost = _names_in(url)
        raise BrokerRefuses(
            f"{server} has no virtual host {vhost!r}, or user {user!r} may not use it"
        ) from None


def _is_lost(connection: AbstractConnection) -> bool:
    transport = connection.transport
    return transport is None or transport.connection.is_closed


def _names_in(url: str) -> tuple[str, str, str]:
    """Return the server, the user and the virtual host: all but the password."""
    parts = urlsplit(url)
    server = parts.netloc.rpartition("@")[2]
    return server, unquote(parts.username or "guest"), unquote(parts.path[1:]) or "/"


async def _close(connection: AbstractConnection) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close()
    except BROKER_ERRORS:
        # As good as closed: the broker is gone, or doesn't answer.
        return
