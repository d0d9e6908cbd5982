"""A few routes about nothing in particular, with one of each kind."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from chassis.errors import Conflict, NotFound, TooManyRequests, Unavailable
from chassis.http import (
    Body,
    Call,
    Page,
    PageQuery,
    Response,
    Routes,
    View,
    customer,
    public,
    signed_in,
    staff,
)
from chassis.ids import uuid7

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Part(Body):
    name: Annotated[str, Field(min_length=1, max_length=10)]
    made_on: date | None = None


class MakeThing(Body):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    size: Annotated[int, Field(ge=1, le=9)] = 1
    colour: Colour = Colour.RED
    seen_at: AwareDatetime | None = None
    owner: UUID | None = None
    parts: Annotated[tuple[Part, ...], Field(max_length=3)] = ()


class ListThings(PageQuery):
    colour: Colour | None = None
    since: date | None = None


class ThingView(View):
    id: UUID
    name: str
    colour: Colour = Colour.RED


class ThingIsStuck(Conflict):
    """The thing is stuck.

    It happens.
    """


things = Routes(tag="things")


@things.get("/things", policy=public())
async def list_things(_: Call, query: ListThings) -> Page[ThingView]:
    """List things."""
    found = [ThingView(id=uuid7(), name=str(n)) for n in range(query.limit + 1)]
    return Page.of(found, limit=query.limit, cursor=lambda thing: (thing.id,))


@things.post("/things", policy=public(), status=201)
async def make_thing(_: Call, body: MakeThing) -> ThingView:
    """Make a thing.

    It is made at once.
    """
    return ThingView(id=uuid7(), name=body.name, colour=body.colour)


@things.get("/things/{thing_id}", policy=customer("billing") | staff("things.read"))
async def show_thing(call: Call, thing_id: UUID) -> ThingView:
    """Show a thing."""
    return ThingView(id=thing_id, name=call.principal.actor)


@things.get("/things/none", policy=public())
async def show_no_thing(_: Call) -> ThingView:
    """Show nothing."""
    raise NotFound("there is no such thing")


@things.delete("/things/{thing_id}", policy=signed_in())
async def delete_thing(_: Call, thing_id: UUID) -> None:
    """Delete a thing."""


@things.post("/things/{thing_id}/shake", policy=staff("things.shake"))
async def shake_thing(_: Call, thing_id: UUID) -> ThingView:
    """Shake a thing."""
    raise ThingIsStuck("thing {thing} is stuck", thing=thing_id, field="thing_id")


@things.get("/failures/{kind}", policy=public())
async def fail(_: Call, kind: str) -> ThingView:
    """Fail in one of several ways."""
    match kind:
        case "busy":
            raise TooManyRequests("slow down", retry_after_seconds=7)
        case "away":
            raise Unavailable
        case _:
            raise RuntimeError("secret detail")


@things.post("/files", policy=public(), status=201, upload=True)
async def upload_file(call: Call) -> ThingView:
    """Take a file."""
    file = await call.read_file("file", limit=1000)
    name = f"{file.name} {file.media_type} {len(file.content)}"
    return ThingView(id=uuid7(), name=name)


@things.get("/files/{name}", policy=public(), media_type="application/pdf")
async def download_file(call: Call, name: str) -> Response:
    """Give a file."""
    return call.file(b"%PDF", media_type="application/pdf", name=name)
