"""What a process does about events: handlers by event class, and their delivery."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from chassis.clock import Clock
from chassis.db import Transaction
from chassis.events import Event
from chassis.resources import CLOCK, Resources


@dataclass(frozen=True, slots=True)
class Delivery:
    """How and when an event came."""

    event_id: UUID
    occurred_at: datetime
    correlation_id: str
    #: A known state sent again: refresh projections, and cause nothing else.
    republished: bool
    resources: Resources

    @property
    def clock(self) -> Clock:
        return self.resources[CLOCK]

    @property
    def now(self) -> datetime:
        """The business instant."""
        return self.clock.business_now()

    @property
    def today(self) -> date:
        """The business date."""
        return self.clock.today()


Handler: TypeAlias = Callable[[Transaction, Any, Delivery], Awaitable[None]]
H_ = TypeVar("H_", bound=Handler)


class SubscriptionMismatch(RuntimeError):
    """The handlers and the contract disagree about which events are read."""


class Consumers:
    """One queue's handlers, filled by the decorator `on`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._handlers: dict[type[Event], Handler] = {}

    def on(self, *events: type[Event]) -> Callable[[H_], H_]:
        """Call the function with each of these events, inside the inbox transaction."""

        def register(handler: H_) -> H_:
            for event in events:
                if event in self._handlers:
                    raise ValueError(f"{event.TYPE} has two handlers in {self.name}")
                self._handlers[event] = handler
            return handler

        return register

    @property
    def types(self) -> list[str]:
        """The events that are read, by their names."""
        return [event.TYPE for event in self._handlers]

    def handler_of(self, event: type[Event]) -> Handler | None:
        return self._handlers.get(event)

    def check(self, subscribed: Iterable[type[Event]]) -> None:
        """Refuse to start with an event that nobody handles, or that never comes."""
        wanted = {event.TYPE for event in subscribed}
        handled = {event.TYPE for event in self._handlers}
        if wanted != handled:
            raise SubscriptionMismatch(
                f"{self.name}: subscribed but without a handler: "
                f"{sorted(wanted - handled)}; handled but not subscribed: "
                f"{sorted(handled - wanted)}"
            )
