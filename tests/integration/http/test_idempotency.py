"""The same key gives the same answer and one effect, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any
from uuid import UUID

import pytest
from aiohttp import ClientSession, FormData
from pydantic import Field

from chassis.clock import Clock
from chassis.db import Database
from chassis.errors import RuleViolated
from chassis.http import (
    Body,
    Call,
    Routes,
    View,
    build_app,
    idempotency,
    public,
    serving,
    signed_in,
)
from chassis.ids import uuid7
from chassis.resources import Resources
from tests.support.tokens import a_customer, a_verifier, bearer


class MakeEffect(Body):
    name: Annotated[str, Field(max_length=100)]
    fails: bool = False


class EffectView(View):
    id: UUID
    name: str


class Held:
    """Lets a test stop a handler in the middle."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.released = asyncio.Event()
        self.released.set()


held = Held()
effects = Routes(tag="effects")


async def _have_effect(call: Call, body: MakeEffect) -> EffectView:
    async with call.transaction() as tx:
        await tx.execute("INSERT INTO effects (name) VALUES ($1)", body.name)
        held.entered.set()
        await held.released.wait()
        if body.fails:
            raise RuleViolated("no")
        return await call.complete(tx, EffectView(id=uuid7(), name=body.name))


@effects.post("/effects", policy=public(), status=201)
async def have_effect(call: Call, body: MakeEffect) -> EffectView:
    """Have an effect, and keep the answer with it."""
    return await _have_effect(call, body)


@effects.post("/my/effects", policy=signed_in(), status=201)
async def have_my_effect(call: Call, body: MakeEffect) -> EffectView:
    """Have an effect as somebody."""
    return await _have_effect(call, body)


@effects.post("/effects/{name}", policy=public())
async def have_named_effect(call: Call, name: str) -> None:
    """Have an effect, and leave the keeping of the answer to the chassis."""
    async with call.transaction() as tx:
        await tx.execute("INSERT INTO effects (name) VALUES ($1)", name)


@effects.post("/secrets", policy=public(), status=201, keeps_answer=False)
async def make_secret(call: Call, body: MakeEffect) -> EffectView:
    """Give something away that must not be written down."""
    return await _have_effect(call, body)


@effects.post("/files", policy=public(), status=201, upload=True)
async def upload(call: Call) -> EffectView:
    """Take a file."""
    file = await call.read_file("file", limit=1000)
    return await _have_effect(call, MakeEffect(name=file.name))


@pytest.fixture
async def client(database: Database) -> AsyncIterator[ClientSession]:
    held.__init__()
    app = build_app(
        name="effects",
        routes=[effects],
        resources=Resources(),
        verifier=a_verifier(),
        clock=Clock(),
        database=database,
    )
    async with (
        serving(app, host="127.0.0.1", port=0) as port,
        ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


class Answer:
    def __init__(self, status: int, body: bytes, headers: Any) -> None:
        self.status, self.body, self.headers = status, body, headers


async def post(
    client: ClientSession,
    key: str | None,
    body: Any = None,
    path: str = "/effects",
    **headers: str,
) -> Answer:
    if key is not None:
        headers["Idempotency-Key"] = key
    async with client.post(f"/api/v1{path}", json=body, headers=headers) as answer:
        return Answer(answer.status, await answer.read(), answer.headers)


async def count_of(database: Database, table: str = "effects") -> int:
    async with database.reading() as tx:
        match table:
            case "effects":
                return await tx.fetchval("SELECT count(*) FROM effects")
            case _:
                return await tx.fetchval("SELECT count(*) FROM idempotency_keys")


async def until(reached: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not await reached():
            await asyncio.sleep(0.01)


async def test_a_repeat_gets_the_first_answer_to_the_byte(
    client: ClientSession, database: Database
) -> None:
    first = await post(client, "k", {"name": "é"})
    again = await post(client, "k", {"name": "é"})
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert await count_of(database) == 1


async def test_without_a_key_each_request_counts(
    client: ClientSession, database: Database
) -> None:
    for _ in range(2):
        assert (await post(client, None, {"name": "x"})).status == 201
    assert await count_of(database) == 2
    assert await count_of(database, "keys") == 0


async def test_64_at_once_with_one_key_have_one_effect_and_one_answer(
    client: ClientSession, database: Database
) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(post(client, "k", {"name": "x"})) for _ in range(64)]
    answers = [task.result() for task in tasks]
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert all(a.headers["Retry-After"] == "1" for a in answers if a.status == 409)
    assert await count_of(database) == 1
    assert (await post(client, "k", {"name": "x"})).status == 201


async def test_another_body_with_the_same_key_is_refused(
    client: ClientSession, database: Database
) -> None:
    await post(client, "k", {"name": "x"})
    other = await post(client, "k", {"name": "y"})
    assert other.status == 422
    assert b"KeyReused" in other.body
    assert await count_of(database) == 1


async def test_an_error_releases_the_key(
    client: ClientSession, database: Database
) -> None:
    assert (await post(client, "k", {"name": "x", "fails": True})).status == 422
    assert await count_of(database, "keys") == 0
    assert (await post(client, "k", {"name": "x", "fails": False})).status == 201
    assert await count_of(database) == 1


async def test_while_the_first_runs_a_repeat_is_told_to_come_back(
    client: ClientSession,
) -> None:
    held.released.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(post(client, "k", {"name": "x"}))
        await held.entered.wait()
        repeat = await post(client, "k", {"name": "x"})
        held.released.set()
    assert (repeat.status, repeat.headers["Retry-After"]) == (409, "1")
    assert first.result().status == 201


async def expire(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE idempotency_keys SET leased_until = now() - interval '1 second'"
        )


async def test_a_holder_that_died_loses_the_key_when_its_lease_ends(
    client: ClientSession, database: Database
) -> None:
    path = "/api/v1/effects"
    content = (b"", b'{"name": "x"}')
    slot = idempotency.slot_of("address:127.0.0.1", "POST", path, "k", *content)
    await idempotency.claim(database, slot)
    assert (await post(client, "k", {"name": "x"})).status == 409
    await expire(database)
    assert (await post(client, "k", {"name": "x"})).status == 201
    assert await count_of(database) == 1


async def test_a_holder_that_lost_its_lease_commits_nothing(
    client: ClientSession, database: Database
) -> None:
    held.released.clear()
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(post(client, "k", {"name": "x"}))
        await held.entered.wait()
        await expire(database)
        held.entered.clear()
        quick = group.create_task(post(client, "k", {"name": "x"}))
        await held.entered.wait()
        held.released.set()
    answers = {slow.result().status: slow.result(), quick.result().status: quick}
    assert set(answers) == {201, 409}
    assert slow.result().status == 409
    assert b"LeaseLost" in slow.result().body
    assert await count_of(database) == 1


async def test_a_key_is_its_callers_own(
    client: ClientSession, database: Database
) -> None:
    for caller in (a_customer(), a_customer()):
        for _ in range(2):
            options = {"path": "/my/effects", **bearer(caller)}
            assert (await post(client, "k", {"name": "x"}, **options)).status == 201
    assert await count_of(database) == 2


async def test_strangers_are_told_apart_by_address(
    client: ClientSession, database: Database
) -> None:
    for address in ("203.0.113.1", "203.0.113.2", "203.0.113.1"):
        headers = {"X-Forwarded-For": address}
        assert (await post(client, "k", {"name": "x"}, **headers)).status == 201
    assert await count_of(database) == 2


async def test_a_key_belongs_to_its_path(
    client: ClientSession, database: Database
) -> None:
    for path in ("/effects/one", "/effects/two", "/effects/one"):
        answer = await post(client, "k", path=path)
        assert (answer.status, answer.body) == (204, b"")
    assert await count_of(database) == 2


async def test_an_answer_with_a_secret_is_never_written_down(
    client: ClientSession, database: Database
) -> None:
    for _ in range(2):
        assert (await post(client, "k", {"name": "x"}, "/secrets")).status == 201
    assert await count_of(database, "keys") == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
async def test_a_key_that_cannot_be_one_is_named(
    client: ClientSession, database: Database, key: str
) -> None:
    answer = await post(client, key, {"name": "x"})
    assert answer.status == 422
    assert b"Idempotency-Key" in answer.body
    assert await count_of(database) == 0


async def send_file(client: ClientSession, content: bytes) -> Answer:
    form = FormData()
    form.add_field("file", content, filename="a.txt")
    headers = {"Idempotency-Key": "k"}
    async with client.post("/api/v1/files", data=form, headers=headers) as answer:
        return Answer(answer.status, await answer.read(), answer.headers)


async def test_a_file_sent_again_is_known_by_its_content(
    client: ClientSession, database: Database
) -> None:
    first, again = await send_file(client, b"x"), await send_file(client, b"x")
    assert (first.status, first.body) == (again.status, again.body)
    assert (await send_file(client, b"y")).status == 422
    assert await count_of(database) == 1


async def test_a_client_that_goes_away_leaves_one_answer_for_its_repeat(
    client: ClientSession, database: Database
) -> None:
    held.released.clear()
    gone = asyncio.create_task(post(client, "k", {"name": "x"}))
    await held.entered.wait()
    gone.cancel()
    await asyncio.wait([gone])
    held.released.set()

    async def repeated() -> bool:
        return (await post(client, "k", {"name": "x"})).status == 201

    await until(repeated)
    assert await count_of(database) == 1
