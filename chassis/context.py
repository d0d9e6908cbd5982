"""Why something happens: the cause that every effect and event carries."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from chassis.ids import uuid7


@dataclass(frozen=True, slots=True)
class Cause:
    """What set off the work in hand.

    `cause_id` is the request's id, the consumed event's id or the job run's id;
    `correlation_id` is the id of the first cause of the whole chain; `actor` is who
    did it (`customer:<user id>`, `staff:<user id>`, `system:<job or consumer>`).
    """

    cause_id: str
    correlation_id: str
    actor: str
    traceparent: str | None = None
    address: str | None = None


_cause: ContextVar[Cause] = ContextVar("cause")


def current_cause() -> Cause:
    """Return the cause in force; code outside any gets a fresh one of its own."""
    try:
        return _cause.get()
    except LookupError:
        fresh = str(uuid7())
        return Cause(fresh, fresh, "system:unknown")


@contextmanager
def because_of(cause: Cause) -> Generator[Cause]:
    """Let everything inside, and the tasks it starts, carry this cause."""
    token = _cause.set(cause)
    try:
        yield cause
    finally:
        _cause.reset(token)


def acting_as(actor: str) -> None:
    """Name the actor once the token has told who it is."""
    _cause.set(replace(current_cause(), actor=actor))
