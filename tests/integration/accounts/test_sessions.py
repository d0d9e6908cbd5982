"""Sessions: renewed, listed, ended; and tokens that come back."""

import asyncio

from chassis.ids import uuid7
from tests.integration.accounts.stage import Stage


async def test_a_refresh_gives_the_next_tokens(stage: Stage) -> None:
    client = await stage.signed_in()
    first = client.refresh_token
    answer = await client.refresh()
    assert answer.status == 200
    assert answer.body["refresh_token"] != first
    client.take(answer)
    assert (await client.get("/me")).status == 200
    assert (await client.refresh()).status == 200


async def test_a_repeat_within_ten_seconds_gets_the_same_child(stage: Stage) -> None:
    client = await stage.signed_in()
    first = await client.refresh()
    stage.pass_time(seconds=10)
    again = await client.refresh()
    assert again.status == 200
    assert again.body["refresh_token"] == first.body["refresh_token"]
    assert (await client.refresh(first.body["refresh_token"])).status == 200


async def test_two_refreshes_at_once_get_the_same_child(stage: Stage) -> None:
    client = await stage.signed_in()
    answers = await asyncio.gather(*(client.refresh() for _ in range(8)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["refresh_token"] for answer in answers}) == 1


async def test_a_later_reuse_ends_the_whole_family(stage: Stage) -> None:
    client = await stage.signed_in()
    child = (await client.refresh()).body["refresh_token"]
    grandchild = (await client.refresh(child)).body["refresh_token"]
    stage.pass_time(seconds=11)
    reused = await client.refresh()
    assert (reused.status, reused.problem) == (401, "BadRefreshToken")
    assert (await client.refresh(grandchild)).status == 401
    assert (await client.get("/me")).status == 401


async def test_a_reuse_ends_no_other_session(stage: Stage) -> None:
    email, _ = await stage.register()
    stolen, other = await stage.signed_in(email), await stage.signed_in(email)
    await stolen.refresh()
    stage.pass_time(seconds=11)
    await stolen.refresh()
    assert (await other.refresh()).status == 200


async def test_a_made_up_refresh_token_is_refused(stage: Stage) -> None:
    answers = [await stage.visitor().refresh(t) for t in ("x", "\u00e1", "A" * 43)]
    assert [answer.status for answer in answers] == [401] * 3


async def test_a_misshapen_refresh_token_is_named(stage: Stage) -> None:
    tokens: list[object] = ["", "x" * 201, 1, None, []]
    bodies = [{"refresh_token": token} for token in tokens]
    refusals = await stage.visitor().refusals("POST", "/sessions/refresh", bodies)
    assert refusals == [(422, ["refresh_token"])] * len(tokens)


async def test_a_session_ends_when_it_is_not_used_for_thirty_days(stage: Stage) -> None:
    client = await stage.signed_in()
    stage.pass_time(days=29)
    client.take(await client.refresh())
    stage.pass_time(days=29)
    client.take(await client.refresh())
    stage.pass_time(days=30)
    assert (await client.refresh()).status == 401


async def test_a_session_ends_after_its_total_time_however_much_it_is_used(
    stage: Stage,
) -> None:
    client = await stage.signed_in()
    for _ in range(8):
        stage.pass_time(days=20)
        client.take(await client.refresh())
    stage.pass_time(days=20)
    assert (await client.refresh()).status == 401


async def test_sessions_are_listed_with_device_place_and_last_use(stage: Stage) -> None:
    client = await stage.signed_in()
    phone = stage.visitor("192.0.2.50")
    phone.device = "Phone/2 " + "x" * 400
    await phone.log_in("person1@example.com")
    listed = (await client.get("/sessions", count="true")).body
    assert listed["total"] == 2
    newest, own = listed["items"]
    assert newest["device"].startswith("Phone/2")
    assert len(newest["device"]) == 300
    assert newest["address"] == "192.0.2.50"
    assert [newest["current"], own["current"]] == [False, True]


async def test_the_list_comes_in_pages(stage: Stage) -> None:
    email, _ = await stage.register()
    clients = [await stage.signed_in(email) for _ in range(3)]
    first = (await clients[0].get("/sessions", limit="2")).body
    rest = (await clients[0].get("/sessions", limit="2", cursor=first["next"])).body
    assert len(first["items"] + rest["items"]) == 3
    assert rest["next"] is None


async def test_each_session_can_be_ended(stage: Stage) -> None:
    email, _ = await stage.register()
    own, other = await stage.signed_in(email), await stage.signed_in(email)
    [ended, _] = (await own.get("/sessions")).body["items"]
    assert (await own.delete(f"/sessions/{ended['id']}")).status == 204
    assert (await other.refresh()).status == 401
    assert (await other.get("/me")).status == 401
    assert (await own.get("/me")).status == 200
    assert (await own.delete(f"/sessions/{ended['id']}")).status == 404


async def test_logging_out_ends_the_current_session(stage: Stage) -> None:
    client = await stage.signed_in()
    assert (await client.delete("/sessions/current")).status == 204
    assert (await client.refresh()).status == 401
    assert (await client.get("/sessions")).status == 401


async def test_a_foreign_session_looks_like_an_unknown_one(stage: Stage) -> None:
    mine, yours = await stage.signed_in(), await stage.signed_in()
    [session] = (await yours.get("/sessions")).body["items"]
    foreign = await mine.delete(f"/sessions/{session['id']}")
    unknown = await mine.delete(f"/sessions/{uuid7()}")
    assert foreign.status == unknown.status == 404
    assert foreign.problem == unknown.problem
    assert (await yours.refresh()).status == 200


async def test_a_session_id_that_is_none_is_refused(stage: Stage) -> None:
    client = await stage.signed_in()
    answer = await client.delete("/sessions/not-an-id")
    assert (answer.status, answer.fields) == (422, ["session_id"])


async def test_only_hashes_of_refresh_tokens_are_kept(stage: Stage) -> None:
    client = await stage.signed_in()
    child = (await client.refresh()).body["refresh_token"]
    stored = await stage.everything_stored()
    assert client.refresh_token not in stored
    assert child not in stored
