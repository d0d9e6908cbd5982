"""What a queue has delivered and nobody has handled yet, in batches."""

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

from aiormq.abc import DeliveredMessage

from chassis.bus import ProtocolChannel


class Arrivals:
    """What the broker has delivered and nobody has handled yet."""

    def __init__(self, channel: ProtocolChannel, *, limit: int) -> None:
        self._channel = channel
        self._limit = limit
        #: Bounded by the prefetch; None says that nothing will follow.
        self._arrived: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()
        self._left = False

    async def start(self, queue: str) -> None:
        self._channel.on_consumer_cancel_callbacks.add(self.end)
        closing = cast("asyncio.Future[object]", self._channel.closing)
        closing.add_done_callback(self.end)
        await self._channel.basic_consume(queue, self._arrived.put)

    def leave(self) -> None:
        """Let `batches` end now: what it hasn't yielded goes back with the channel.

        The consumer isn't cancelled before: another one would then be served at once,
        beside what is still being handled here.
        """
        self._left = True
        self.end()

    async def batches(self) -> AsyncGenerator[list[DeliveredMessage]]:
        """Yield all that has arrived meanwhile, up to the limit, until the end."""
        while (first := await self._arrived.get()) is not None and not self._left:
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
