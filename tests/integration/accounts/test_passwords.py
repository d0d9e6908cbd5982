"""Passwords: forgotten, reset, changed."""

import asyncio

import pytest

from chassis.resources import Resources
from services.accounts import workflows
from services.accounts.api import passwords
from services.accounts.api.passwords import RESET_ANSWER_SECONDS
from tests.integration.accounts.stage import PASSWORD, Client, Stage

NEW = "a new pass phrase"


async def _ask_for_reset(stage: Stage, email: str) -> str:
    answer = await stage.visitor().post("/password-resets", {"email": email})
    assert answer.status == 202
    return await stage.reset_token()


async def _reset(stage: Stage, token: str, password: str = NEW) -> int:
    body = {"token": token, "password": password}
    return (await stage.visitor().post("/password-resets/confirm", body)).status


async def test_a_reset_sets_the_password_and_ends_every_session(stage: Stage) -> None:
    email, _ = await stage.register()
    clients = [await stage.signed_in(email) for _ in range(2)]
    assert await _reset(stage, await _ask_for_reset(stage, email)) == 204
    for client in clients:
        assert (await client.refresh()).status == 401
        assert (await client.get("/me")).status == 401
    stage.pass_time(seconds=1)
    assert (await stage.visitor().log_in(email)).status == 401
    assert (await stage.visitor().log_in(email, NEW)).status == 201


async def test_a_reset_link_serves_once(stage: Stage) -> None:
    email, _ = await stage.register()
    token = await _ask_for_reset(stage, email)
    statuses = await asyncio.gather(*(_reset(stage, token) for _ in range(4)))
    assert sorted(statuses) == [204, 422, 422, 422]


async def test_a_reset_ends_the_other_links(stage: Stage) -> None:
    email, _ = await stage.register()
    older = await _ask_for_reset(stage, email)
    newer = await _ask_for_reset(stage, email)
    assert await _reset(stage, newer) == 204
    assert await _reset(stage, older) == 422


async def test_a_reset_link_expires_after_an_hour(stage: Stage) -> None:
    email, _ = await stage.register()
    token = await _ask_for_reset(stage, email)
    stage.pass_time(hours=1)
    assert await _reset(stage, token) == 422


async def test_a_reset_link_speaks_for_the_address_it_was_mailed_to(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    client = await stage.signed_in(email)
    token = await _ask_for_reset(stage, email)
    change = {"email": "new@example.com", "current_password": PASSWORD}
    assert (await client.patch("/me", change)).status == 200
    assert await _reset(stage, token) == 422


async def test_an_unknown_email_gets_the_same_answer_after_the_same_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    email, _ = await stage.register()
    monkeypatch.setattr(passwords, "RESET_ANSWER_SECONDS", RESET_ANSWER_SECONDS)
    loop = asyncio.get_running_loop()
    for asked in (email, "nobody@x.test"):
        started = loop.time()
        answer = await stage.visitor().post("/password-resets", {"email": asked})
        assert (answer.status, answer.body) == (202, None)
        assert loop.time() - started >= RESET_ANSWER_SECONDS
    assert len(await stage.events("password_reset")) == 1


async def test_an_account_is_mailed_five_links_an_hour_at_most(stage: Stage) -> None:
    email, _ = await stage.register()
    for _ in range(7):
        await _ask_for_reset(stage, email)
    assert len(await stage.events("password_reset")) == 5


async def test_confirming_is_limited_by_address(stage: Stage) -> None:
    for _ in range(60):
        assert await _reset(stage, "x" * 64) == 422
    assert await _reset(stage, "x" * 64) == 429


async def test_a_log_in_with_the_old_password_loses_the_race_with_a_reset(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    token = await _ask_for_reset(stage, email)
    answers = await asyncio.gather(
        *(stage.visitor(f"192.0.2.{n}").log_in(email) for n in range(6)),
        stage.visitor().post(
            "/password-resets/confirm", {"token": token, "password": NEW}
        ),
    )
    assert answers[-1].status == 204
    assert {answer.status for answer in answers[:-1]} <= {201, 401}
    async with stage.db.reading() as tx:
        live = await tx.fetchval("SELECT count(*) FROM sessions WHERE ended_at IS NULL")
    assert live == 0


async def test_each_bad_field_of_a_reset_is_named(stage: Stage) -> None:
    bad: list[tuple[object, str]] = [
        ({"token": "x", "password": "short"}, "password"),
        ({"token": "x", "password": "x" * 201}, "password"),
        ({"token": "", "password": NEW}, "token"),
        ({"token": "x" * 201, "password": NEW}, "token"),
        ({"token": 1, "password": NEW}, "token"),
        ({"token": "x", "password": NEW}, "token"),
        ({"password": NEW}, "token"),
        ({"token": "x"}, "password"),
        ({"token": "x", "password": NEW, "email": "a@x.test"}, "email"),
    ]
    bodies = [body for body, _ in bad]
    path = "/password-resets/confirm"
    refusals = await stage.visitor().refusals("POST", path, bodies)
    assert refusals == [(422, [field]) for _, field in bad]


async def test_each_bad_field_of_a_request_for_a_reset_is_named(stage: Stage) -> None:
    bodies: list[object] = [{}, {"email": 1}, {"email": "x" * 255}, {"email": ""}]
    refusals = await stage.visitor().refusals("POST", "/password-resets", bodies)
    assert refusals == [(422, ["email"])] * len(bodies)


async def _change(
    client: Client, current: str, new: str = NEW
) -> tuple[int, list[str]]:
    body = {"current_password": current, "password": new}
    answer = await client.put("/me/password", body)
    return answer.status, answer.fields if answer.body else []


async def test_a_change_that_is_sent_again_gets_the_first_ones_answer(
    stage: Stage,
) -> None:
    client = await stage.signed_in()
    body = {"current_password": PASSWORD, "password": NEW}
    for _ in range(2):
        answer = await client.put("/me/password", body, **{"Idempotency-Key": "k"})
        assert answer.status == 204
    assert (await client.get("/me")).status == 200


async def test_of_two_changes_at_once_the_loser_hears_so_and_stays_signed_in(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    email, _ = await stage.register()
    client = await stage.signed_in(email)
    hash_password, both_are_proved = workflows.hash_password, asyncio.Barrier(2)

    async def hash_together(resources: Resources, password: str) -> str:
        await both_are_proved.wait()
        return await hash_password(resources, password)

    monkeypatch.setattr(workflows, "hash_password", hash_together)
    wanted = [f"another password {n}" for n in range(2)]
    answers = await asyncio.gather(*(_change(client, PASSWORD, p) for p in wanted))
    assert sorted(status for status, _ in answers) == [204, 409]
    assert (await client.get("/me")).status == 200
    [won] = [p for p, (status, _) in zip(wanted, answers, strict=True) if status == 204]
    assert (await stage.visitor().log_in(email, won)).status == 201


async def test_a_changed_password_ends_the_other_sessions(stage: Stage) -> None:
    email, _ = await stage.register()
    own, other = await stage.signed_in(email), await stage.signed_in(email)
    token = await _ask_for_reset(stage, email)
    assert await _change(own, PASSWORD) == (204, [])
    assert (await own.get("/me")).status == 200
    assert (await own.refresh()).status == 200
    assert (await other.refresh()).status == 401
    assert (await stage.visitor().log_in(email, NEW)).status == 201
    assert await _reset(stage, token) == 422


async def test_a_wrong_current_password_is_named_and_counts_as_a_failed_log_in(
    stage: Stage,
) -> None:
    client = await stage.signed_in()
    for _ in range(10):
        assert await _change(client, "not mine") == (422, ["current_password"])
    assert (await _change(client, PASSWORD))[0] == 429


async def test_a_new_password_must_be_long_enough(stage: Stage) -> None:
    client = await stage.signed_in()
    assert await _change(client, PASSWORD, "nine char") == (422, ["password"])


async def test_an_ended_session_changes_no_password(stage: Stage) -> None:
    client = await stage.signed_in()
    await client.delete("/sessions/current")
    assert (await _change(client, PASSWORD))[0] == 401


async def test_the_same_letters_typed_otherwise_are_the_same_password(
    stage: Stage,
) -> None:
    composed, decomposed = "se\u00f1or y se\u00f1ora", "sen\u0303or y sen\u0303ora"
    email, _ = await stage.register(password=composed)
    assert (await stage.visitor().log_in(email, decomposed)).status == 201
