"""What a queue has delivered and nobody has handled yet, in batches."""

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

import structlog
from aiormq.abc import DeliveredMessage

from chassis.bus import BROKER_ERRORS, ProtocolChannel

CANCEL_SECONDS = 2.0

log = structlog.get_logger("consumers")


class Arrivals:
    """What the broker has delivered and nobody has handled yet."""

    def __init__(self, channel: ProtocolChannel, *, limit: int) -> None:
        self._channel = channel
        self._limit = limit
        #: Bounded by the prefetch; None says that nothing will follow.
        self._arrived: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()
        self._tag = ""

    async def start(self, queue: str) -> None:
        self._channel.on_consumer_cancel_callbacks.add(self.end)
        closing = cast("asyncio.Future[object]", self._channel.closing)
        closing.add_done_callback(self.end)
        consuming = await self._channel.basic_consume(queue, self._arrived.put)
        self._tag = consuming.consumer_tag or ""

    async def stop(self) -> None:
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                await self._channel.basic_cancel(self._tag)
        except BROKER_ERRORS as error:
            log.warning("consumer not cancelled", error=repr(error))
        self.end()

    async def batches(self) -> AsyncGenerator[list[DeliveredMessage]]:
        """Yield all that has arrived meanwhile, up to the limit, until the end."""
        while (first := await self._arrived.get()) is not None:
            batch = [first]
            while len(batch) < self._limit and not self._arrived.empty():
                message = self._arrived.get_nowait()
                if message is None:
                    self.end()
                    break
                batch.append(message)
            yield batch

    def end(self, _reason: object = None) -> None:
        """Let `batches` end once what came before has been yielded."""
        self._arrived.put_nowait(None)
