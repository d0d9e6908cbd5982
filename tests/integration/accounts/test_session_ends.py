"""Every session that is ended is announced, so that nobody goes on with it."""

from uuid import UUID

from tests.integration.accounts.stage import PASSWORD, Client, Stage

ENDED = "accounts.session.ended.v1"


async def _id_of(client: Client) -> UUID:
    items = (await client.get("/sessions")).body["items"]
    [current] = [item["id"] for item in items if item["current"]]
    return UUID(current)


async def _ended(stage: Stage) -> list[UUID]:
    return [event.subject for event in await stage.events(ENDED)]


async def test_logging_out_is_announced_with_who_it_was(stage: Stage) -> None:
    email, customer_id = await stage.register()
    client = await stage.signed_in(email)
    session_id, me = await _id_of(client), (await client.get("/me")).body
    await client.delete("/sessions/current")
    [event] = await stage.events(ENDED)
    assert event.data == {
        "version": 1,
        "session_id": str(session_id),
        "user_id": me["id"],
        "customer_id": str(customer_id),
    }


async def test_the_end_of_a_staff_members_session_names_no_customer(
    stage: Stage,
) -> None:
    client = await stage.staff()
    await client.delete("/sessions/current")
    [event] = await stage.events(ENDED)
    assert event.data["customer_id"] is None


async def test_a_session_ended_from_the_list_is_announced_once(stage: Stage) -> None:
    email, _ = await stage.register()
    app, browser = await stage.signed_in(email), await stage.in_browser(email)
    session_id = await _id_of(browser)
    answers = [await app.delete(f"/sessions/{session_id}") for _ in range(2)]
    assert [answer.status for answer in answers] == [204, 404]
    assert await _ended(stage) == [session_id]


async def test_a_new_password_announces_the_sessions_that_it_ends(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    own = await stage.in_browser(email)
    others = [await stage.in_browser(email), await stage.signed_in(email)]
    ids = {await _id_of(other) for other in others}
    body = {"current_password": PASSWORD, "password": "another pass phrase"}
    assert (await own.put("/me/password", body)).status == 204
    assert set(await _ended(stage)) == ids


async def test_a_reset_announces_every_session_of_the_user_and_no_others(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    clients = [await stage.in_browser(email), await stage.signed_in(email)]
    ids = {await _id_of(client) for client in clients}
    await stage.signed_in()
    await stage.visitor().post("/password-resets", {"email": email})
    body = {"token": await stage.reset_token(), "password": "a new pass phrase"}
    await stage.visitor().post("/password-resets/confirm", body)
    assert set(await _ended(stage)) == ids


async def test_the_reuse_of_a_refresh_token_announces_its_sessions_end(
    stage: Stage,
) -> None:
    client = await stage.signed_in()
    session_id = await _id_of(client)
    await client.refresh()
    stage.pass_time(seconds=11)
    await client.refresh()
    assert await _ended(stage) == [session_id]


async def test_what_ends_nothing_announces_nothing(stage: Stage) -> None:
    client = await stage.signed_in()
    await stage.in_browser()
    body = {"current_password": "a wrong one", "password": "another pass phrase"}
    await client.put("/me/password", body)
    stage.pass_time(days=31)
    assert (await client.refresh()).status == 401
    assert await _ended(stage) == []
