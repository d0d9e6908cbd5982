"""Where the probe can be told to die by `kill -9`."""

import os
import signal
from collections.abc import Awaitable, Callable

from aiormq import Channel

from chassis import relay
from chassis.bus import Publisher

Step = Callable[..., Awaitable[object]]


def dying(step: Step) -> Step:
    """Return a step before which the process is killed."""

    async def die(*_args: object, **_options: object) -> object:
        os.kill(os.getpid(), signal.SIGKILL)
        return await step()

    return die


#: Name → how to make the process die there.
CRASH_POINTS: dict[str, Callable[[], None]] = {
    "between commit and publish": lambda: setattr(
        Publisher, "publish_all", dying(Publisher.publish_all)
    ),
    "between confirm and mark": lambda: setattr(
        relay, "mark_published", dying(relay.mark_published)
    ),
    "between commit and ack": lambda: setattr(
        Channel, "basic_ack", dying(Channel.basic_ack)
    ),
}
