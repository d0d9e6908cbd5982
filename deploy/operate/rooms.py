"""Room for a restore in each schema, which is given back as it was if that fails."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

import asyncpg

from chassis import readings
from chassis.migrations import CannotMigrate, migrate
from chassis.restoring import IN_PLACE, Mark, find_mark
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.operate import marks, schemas
from deploy.operate.console import say
from deploy.operate.faults import CannotOperate
from deploy.operate.messages import refuse_unnoted
from deploy.operate.schemas import Content
from deploy.operate.snapshots import connected
from deploy.operate.stopping import to_its_end
from deploy.operate.targets import Targets, place

#: One restore at a time into a database.
TURN = 7_321_005_120
#: What keeps an undoing from its end; the marks stay then.
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True, slots=True)
class Room:
    """What a schema was found to hold."""

    content: Content
    #: Where what was there is kept, if it is no longer in its place.
    kept: str = ""

    @property
    def in_the_way(self) -> bool:
        return self.content is Content.USED and not self.kept


@asynccontextmanager
async def alone(targets: Targets, services: Sequence[str]) -> AsyncGenerator[None]:
    """Let nobody else restore into these databases meanwhile."""
    urls = {place(url): url for url in map(targets.owner, services)}
    async with AsyncExitStack() as stack:
        for where, url in urls.items():
            connection = await stack.enter_async_context(connected(url))
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", TURN):
                raise CannotOperate(
                    f"Another restore into {where} is at work: wait until it has ended."
                )
        yield


@asynccontextmanager
async def emptied(
    targets: Targets, services: Sequence[str], mark: Mark, *, aside: bool
) -> AsyncGenerator[None]:
    """Make room in every schema; if the block fails, leave each as it was found.

    What a restore that was killed left is removed; what had been there before that one
    counts as what was found. One that was all there but for its end: see `ended`.
    """
    await _refuse_halves(targets, services)
    await refuse_unnoted(targets, services)
    rooms = {name: await _inspect(targets, name) for name in services}
    used = [name for name in services if rooms[name].in_the_way]
    if used and not aside:
        raise CannotOperate(
            f"{', '.join(used)}: there is something in it, which nothing overwrites."
            " Restore into another database, or say --set-aside to keep it under"
            " another name."
        )
    try:
        await _mark(targets, rooms, mark)
        for name in used:
            rooms[name] = await _set_aside(targets, name, mark)
        for name in services:
            await _make_room(targets, name)
        yield
    except BaseException:
        await to_its_end(_undo(targets, rooms, mark))
        raise
    await to_its_end(_end(targets, services, mark))


async def ended(targets: Targets, mark: Mark) -> bool:
    """End a restore that was cut off when all was loaded; tell whether it is this one.

    Schemas that it had unmarked by then are in use, perhaps; nothing in them is half.
    """
    found = await _marks(targets, targets.owners)
    for done in [each for each in found.values() if each.loaded]:
        # Who says that all is loaded is the last to lose its mark.
        names = [name for name, each in found.items() if each.is_of(done)]
        for name in sorted(names, key=lambda name: found[name].loaded):
            await _unmark(targets, name)
        say(f"what was restored at {done.begun_at} is whole: {', '.join(names)}")
    return any(each.loaded and each.command == mark.command for each in found.values())


async def bring_schema_up(
    targets: Targets, service: str, *, since: datetime | None = None
) -> list[str]:
    """Do what `migrate` does in the database; return the migrations it applied."""
    url = targets.owner(service)
    applied = await migrate(
        url, schema=service, package=f"services.{service}", restoring=True
    )
    await readings.note(
        url,
        schema=service,
        consumer=service,
        events=SUBSCRIPTIONS[service],
        since=since,
    )
    return applied


async def _refuse_halves(targets: Targets, services: Sequence[str]) -> None:
    """Refuse to bring services together with one of which there is only a half."""
    others = targets.owners.keys() - set(services)
    marks.refuse(await _marks(targets, sorted(others)))


async def _marks(targets: Targets, services: Iterable[str]) -> dict[str, Mark]:
    """Return those of the services whose databases are known."""
    found: dict[str, Mark] = {}
    for name in services:
        if targets.owners[name]:
            async with connected(targets.owners[name]) as owner:
                if mark := await find_mark(owner, name):
                    found[name] = mark
    return found


async def _inspect(targets: Targets, service: str) -> Room:
    async with connected(targets.owner(service)) as owner:
        if await schemas.is_served(owner, service):
            raise CannotOperate(f"{service} is running: stop its processes first.")
        content = await schemas.content_of(owner, service)
        mark = await find_mark(owner, service)
        if mark is not None and mark.before != IN_PLACE:
            return await _left(owner, service, mark)
    if content is Content.ABSENT:
        raise CannotOperate(
            f"{place(targets.owner(service))} has no schema {service}: prepare the"
            " server first, as for a new installation."
        )
    return Room(content)


async def _left(owner: asyncpg.Connection, service: str, mark: Mark) -> Room:
    """Say what was there before a restore that was killed."""
    if await schemas.exists(owner, mark.before):
        say(f"{service}: what was there before {mark.begun_at} is in {mark.before}")
        return Room(Content.USED, mark.before)
    return Room(Content.UNUSED)


async def _mark(targets: Targets, rooms: Mapping[str, Room], mark: Mark) -> None:
    """Mark all before any is touched."""
    for name, room in rooms.items():
        before = IN_PLACE if room.in_the_way else room.kept or mark.before
        async with connected(targets.owner(name)) as owner:
            await marks.put(owner, name, replace(mark, before=before))


async def _unmark(targets: Targets, service: str) -> None:
    async with connected(targets.owner(service)) as owner:
        await marks.remove(owner, service)


async def _set_aside(targets: Targets, service: str, mark: Mark) -> Room:
    async with connected(_as_superuser(targets, service)) as admin:
        kept = await schemas.set_aside(admin, service, mark)
    say(f"{service}: what was there is kept as schema {kept}")
    return Room(Content.USED, kept)


async def _make_room(targets: Targets, service: str) -> None:
    async with connected(targets.owner(service)) as owner:
        await schemas.clear(owner, service)
        await schemas.forget_grants(owner, service)


async def _end(targets: Targets, services: Sequence[str], mark: Mark) -> None:
    """Take the marks away, so that wherever this is cut off the rest is known.

    Each schema has an owner of its own, so that no transaction takes them all: one mark
    says first that all is loaded, and is the last to go.
    """
    first, *others = services
    try:
        async with connected(targets.owner(first)) as owner:
            await marks.put(owner, first, replace(mark, loaded=True))
        for name in (*others, first):
            await _unmark(targets, name)
    except (*AWAY, CannotOperate) as fault:
        raise CannotOperate(
            f"All is restored, but can't be unmarked now ({fault}); nothing starts with"
            f" what is marked. When that is mended, run it again: {mark.command}"
        ) from fault
    say("all of it is restored")


async def _undo(targets: Targets, rooms: Mapping[str, Room], mark: Mark) -> None:
    """Remove what was restored so far, and put back what had been there."""
    try:
        for name, found in rooms.items():
            room = await _as_marked(targets, name, found)
            if not room.in_the_way:  # else it wasn't reached, and is as it was
                await _put_back(targets, name, room)
            await _unmark(targets, name)
    except (*AWAY, CannotOperate) as fault:
        raise CannotOperate(
            f"What was begun can't be undone now ({fault}); nothing starts with it."
            f" When that is mended, run it again: {mark.command}"
        ) from fault
    say("nothing was restored; what was there before is there")


async def _as_marked(targets: Targets, service: str, found: Room) -> Room:
    """Correct what we know: we may have been stopped just when it was set aside."""
    if not found.in_the_way:
        return found
    async with connected(targets.owner(service)) as owner:
        mark = await find_mark(owner, service)
        if mark is None or not await schemas.exists(owner, mark.before):
            return found
        return Room(Content.USED, mark.before)


async def _put_back(targets: Targets, service: str, room: Room) -> None:
    async with connected(targets.owner(service)) as owner:
        await schemas.clear(owner, service)
        await schemas.restore_grants(owner, service)
    if room.kept:
        async with connected(_as_superuser(targets, service)) as admin:
            await schemas.put_back(admin, service, room.kept)
    elif room.content is Content.UNUSED:
        try:
            await bring_schema_up(targets, service)
        except CannotMigrate as fault:
            say(f"{service} is empty as for a new installation: {fault}")


def _as_superuser(targets: Targets, service: str) -> str:
    """Return the service's database as the superuser of its server."""
    admin, owner = targets.need("admin_url"), targets.owner(service)
    if place(admin).partition("/")[0] != place(owner).partition("/")[0]:
        raise CannotOperate(
            f"DATABASE_ADMIN_URL is of another server than {service}'s: name the"
            " superuser of that one, and restore its services alone."
        )
    return urlsplit(admin)._replace(path=urlsplit(owner).path).geturl()
