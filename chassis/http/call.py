"""A call: all that a route's handler may know of the request it answers."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar
from urllib.parse import quote
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from chassis.clock import Clock
from chassis.context import current_cause
from chassis.db import Database, Transaction
from chassis.errors import NotAllowed, NotAuthenticated
from chassis.http import idempotency, uploads
from chassis.http.routes import Route
from chassis.http.uploads import UploadedFile
from chassis.http.waiting import WaitingRoom
from chassis.principal import Principal
from chassis.resources import Resources

T = TypeVar("T")
V = TypeVar("V", bound=BaseModel | None)


class AlreadyAnswered(Exception):
    """The idempotency key has an answer, which is to be sent again."""

    def __init__(self, answer: idempotency.Answer) -> None:
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all calls of a process share."""

    resources: Resources
    clock: Clock
    database: Database | None
    waiting_room: WaitingRoom = field(default_factory=WaitingRoom)


class Call:
    """One request to one route."""

    def __init__(
        self,
        request: web.Request,
        route: Route,
        surroundings: Surroundings,
        principal: Principal | None,
    ) -> None:
        self.request = request
        self.route = route
        self.caller = principal
        self._surroundings = surroundings
        self._received_at = surroundings.clock.now()
        self._business_now = surroundings.clock.business_now()
        self._slot: Callable[..., idempotency.Slot] | None = None
        self._claim: idempotency.Claim | None = None
        self._answered = False

    @property
    def principal(self) -> Principal:
        """Who calls; only a public route can have nobody here."""
        if self.caller is None:
            raise NotAuthenticated
        return self.caller

    @property
    def customer_id(self) -> UUID:
        """The customer they act for, on routes for customers."""
        if self.principal.customer_id is None:
            raise NotAllowed("this is for customers")
        return self.principal.customer_id

    @property
    def now(self) -> datetime:
        """The business instant at which the request is decided."""
        return self._business_now

    @property
    def today(self) -> date:
        """The business date of `now`, in the company's time zone."""
        return self._business_now.astimezone(self.clock.zone).date()

    @property
    def clock(self) -> Clock:
        return self._surroundings.clock

    @property
    def resources(self) -> Resources:
        return self._surroundings.resources

    @property
    def database(self) -> Database:
        if self._surroundings.database is None:
            raise RuntimeError("this process has no database")
        return self._surroundings.database

    @property
    def idempotency_key(self) -> str | None:
        """The client's name for this intent; only routes that keep no answer ask."""
        return idempotency.read_key(self.request.headers.get(idempotency.HEADER))

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        return self.database.transaction()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        return self.database.reading()

    async def wait_for(
        self, find: Callable[[Transaction], Awaitable[T | None]], *, of: str
    ) -> T | None:
        """Find what another process may just have told of; None if it never will.

        Waits up to two seconds for the events of process `of`, and raises Unavailable
        when they lag. Call it before any transaction.
        """
        return await self._surroundings.waiting_room.wait_for(
            self.database,
            find,
            of=of,
            since=self._received_at,
            caller=self._whose,
        )

    @property
    def _whose(self) -> str:
        """Who answers for the call: the customer for all its people, or an address."""
        if self.caller is None:
            return current_cause().address or "unknown"
        return str(self.caller.customer_id or self.caller.user_id)

    async def complete(self, tx: Transaction, view: V) -> V:
        """Keep the answer for repeats of this request, in the effect's transaction."""
        if self._claim is not None and not self._answered:
            answer = idempotency.Answer(self.route.status, encode(view))
            await idempotency.complete(tx, self._claim, answer)
            self._answered = True
        return view

    async def read_file(self, name: str, *, limit: int) -> UploadedFile:
        """Read the uploaded file, of at most `limit` bytes."""
        file = await uploads.read_file(self.request, name, limit=limit)
        await self.claim(file.name.encode(), file.media_type.encode(), file.content)
        return file

    def file(self, content: bytes, *, media_type: str, name: str) -> web.Response:
        """Answer with a download, which no browser shows or interprets."""
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, '')}",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
        return web.Response(body=content, content_type=media_type, headers=headers)

    def expect_claim(self, slot: Callable[..., idempotency.Slot]) -> None:
        """Say which slot to claim as soon as the request's content is known."""
        self._slot = slot

    async def claim(self, *content: bytes) -> None:
        """Claim the idempotency key, or end here with the answer it already has."""
        if self._slot is None:
            return
        held = await idempotency.claim(self.database, self._slot(*content))
        if isinstance(held, idempotency.Answer):
            raise AlreadyAnswered(held)
        self._claim = held

    async def finish(self, answer: idempotency.Answer) -> None:
        """Keep an answer that the handler didn't keep with its effect."""
        if self._claim is not None and not self._answered:
            async with self.transaction() as tx:
                await idempotency.complete(tx, self._claim, answer)

    async def release(self) -> None:
        """Give the key back: what failed may be repeated."""
        if self._claim is not None:
            await idempotency.release(self.database, self._claim)


def encode(view: BaseModel | None) -> bytes:
    """Return the answer's JSON; empty for nothing."""
    return b"" if view is None else view.model_dump_json().encode()
