"""Browsers' sessions: one token each, exchanged by the gateway for access tokens."""

import asyncio
import re
from datetime import timedelta

from yarl import URL

from chassis.ids import uuid7
from chassis.jobs import JobRun
from services.accounts.jobs import remove_what_is_over
from tests.integration.accounts.stage import PASSWORD, Stage
from tests.support.people import Answer


def _without_id(answer: Answer) -> dict[str, object]:
    return {name: v for name, v in answer.body.items() if name != "request_id"}


async def test_a_log_in_gives_a_token_that_opens_the_session(stage: Stage) -> None:
    email, customer_id = await stage.register()
    browser = stage.visitor()
    started = await browser.log_in_browser(email)
    # 32 random bytes, and a month at most.
    assert re.fullmatch(r"[0-9A-Za-z_-]{43}", started.body["session_token"])
    assert started.body["expires_in"] == 30 * 24 * 60 * 60
    opened = (await browser.exchange()).body
    assert opened["expires_in"] == 300
    me = (await browser.get("/me")).body
    assert opened["me"] == me
    assert (me["email"], me["customer_id"]) == (email, str(customer_id))
    [session] = (await browser.get("/sessions")).body["items"]
    assert (session["id"], session["current"]) == (opened["session_id"], True)


async def test_staff_have_browsers_too(stage: Stage) -> None:
    await stage.staff("finance")
    browser = await stage.in_browser("finance@company.example.com")
    opened = (await browser.exchange()).body
    assert (opened["me"]["kind"], opened["me"]["role"]) == ("staff", "finance")
    assert (await browser.get("/staff/customers")).status == 200


async def test_an_exchange_gives_new_access_tokens_and_keeps_the_session_token(
    stage: Stage,
) -> None:
    browser = await stage.in_browser()
    first = browser.access_token
    stage.pass_time(minutes=4)
    assert (await browser.exchange()).status == 200
    assert browser.access_token != first
    assert (await browser.get("/me")).status == 200


async def test_every_log_in_gets_a_session_and_a_token_of_its_own(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    browser = stage.visitor()
    tokens = set[str]()
    for _ in range(3):
        await browser.log_in_browser(email)
        tokens.add(browser.session_token)
    assert len(tokens) == 3
    await browser.exchange()
    assert (await browser.get("/sessions", count="true")).body["total"] == 3


async def test_a_log_in_that_is_repeated_at_once_is_one_session(stage: Stage) -> None:
    email, _ = await stage.register()
    browsers = [stage.visitor() for _ in range(4)]
    await asyncio.gather(*(each.log_in_browser(email, key="form") for each in browsers))
    assert len({each.session_token for each in browsers}) == 1
    await browsers[0].exchange()
    assert (await browsers[0].get("/sessions", count="true")).body["total"] == 1


async def test_a_log_in_names_one_persons_session_and_needs_the_password(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    other, _ = await stage.register()
    browser = stage.visitor()
    tokens = set[str]()
    for each in (email, other):
        await browser.log_in_browser(each, key="form")
        tokens.add(browser.session_token)
    assert len(tokens) == 2
    refused = await browser.log_in_browser(email, "a wrong password", key="form")
    assert refused.status == 401


async def test_a_session_that_is_over_or_older_is_not_gone_on_with(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    browser = stage.visitor()
    await browser.log_in_browser(email, key="form")
    first = browser.session_token
    await browser.exchange()
    await browser.delete("/sessions/current")
    await browser.log_in_browser(email, key="form")
    second = browser.session_token
    stage.pass_time(minutes=1.1)
    await browser.log_in_browser(email, key="form")
    assert len({first, second, browser.session_token}) == 3
    assert (await browser.exchange(first)).status == 401
    assert (await browser.exchange()).status == 200


async def test_a_key_that_can_be_none_is_refused(stage: Stage) -> None:
    email, _ = await stage.register()
    refused = await stage.visitor().log_in_browser(email, key="k" * 256)
    assert (refused.status, refused.fields) == (422, ["Idempotency-Key"])


async def test_an_exchange_that_is_no_use_lets_the_session_live_no_longer(
    stage: Stage,
) -> None:
    browser = await stage.in_browser()
    body = {"session_token": browser.session_token, "is_use": False}
    for _ in range(6):
        stage.pass_time(days=1)
        answer = await browser.post("/internal/browser-sessions/exchange", body)
        assert answer.status == 200
    stage.pass_time(days=1.1)
    answer = await browser.post("/internal/browser-sessions/exchange", body)
    assert answer.status == 401


async def test_a_wrong_password_and_an_unknown_email_answer_as_any_log_in(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    visitor = stage.visitor()
    answers = [
        await visitor.log_in_browser(email, "a wrong password"),
        await visitor.log_in_browser("nobody@example.com", "a wrong password"),
        await visitor.log_in(email, "a wrong password"),
    ]
    problems = [_without_id(answer) for answer in answers]
    for problem in problems:
        problem.pop("instance", None)
    assert [answer.status for answer in answers] == [401] * 3
    assert problems[0] == problems[1] == problems[2]


async def test_failures_in_browsers_and_in_apps_count_together(stage: Stage) -> None:
    email, _ = await stage.register()
    visitor = stage.visitor()
    for _ in range(5):
        assert (await visitor.log_in(email, "a wrong password")).status == 401
        assert (await visitor.log_in_browser(email, "a wrong password")).status == 401
    refused = await stage.visitor("192.0.2.99").log_in_browser(email)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "900")


async def test_each_bad_field_of_a_log_in_is_named(stage: Stage) -> None:
    bodies = [{"password": PASSWORD}, {"email": "ana@example.com", "password": ""}]
    refusals = await stage.visitor().refusals(
        "POST", "/internal/browser-sessions", bodies
    )
    assert refusals == [(422, ["email"]), (422, ["password"])]


async def test_a_session_token_is_nowhere_in_the_database(stage: Stage) -> None:
    email, _ = await stage.register()
    browser = stage.visitor()
    await browser.log_in_browser(email, key="form")
    await browser.exchange()
    stage.pass_time(minutes=2)
    await browser.exchange()
    await browser.delete("/sessions/current")
    assert browser.session_token not in await stage.everything_stored()


async def test_unknown_expired_and_ended_sessions_are_refused_alike(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    expired = await stage.in_browser(email)
    stage.pass_time(days=8)
    ended = await stage.in_browser(email)
    await ended.delete("/sessions/current")
    unknown = stage.visitor()
    unknown.session_token = "A" * 43
    answers = [await browser.exchange() for browser in (expired, ended, unknown)]
    assert [answer.status for answer in answers] == [401] * 3
    problems = [_without_id(answer) for answer in answers]
    assert problems[0] == problems[1] == problems[2]
    assert answers[0].problem == "SessionNotValid"


async def test_tokens_of_one_kind_open_nothing_of_the_other(stage: Stage) -> None:
    email, _ = await stage.register()
    app, browser = await stage.signed_in(email), await stage.in_browser(email)
    assert (await browser.exchange(app.refresh_token)).status == 401
    assert (await app.refresh(browser.session_token)).status == 401
    assert (await browser.exchange()).status == 200
    assert (await app.refresh()).status == 200


async def test_a_misshapen_session_token_is_named(stage: Stage) -> None:
    tokens: list[object] = ["", "x" * 201, 1, None, []]
    bodies = [{"session_token": token} for token in tokens]
    refusals = await stage.visitor().refusals(
        "POST", "/internal/browser-sessions/exchange", bodies
    )
    assert refusals == [(422, ["session_token"])] * len(tokens)


async def test_a_session_ends_when_it_is_not_used_for_seven_days(stage: Stage) -> None:
    browser = await stage.in_browser()
    for _ in range(2):
        stage.pass_time(days=6, hours=23)
        assert (await browser.exchange()).status == 200
    stage.pass_time(days=7)
    assert (await browser.exchange()).status == 401


async def test_a_session_ends_after_thirty_days_however_much_it_is_used(
    stage: Stage,
) -> None:
    browser = await stage.in_browser()
    for _ in range(5):
        stage.pass_time(days=5, hours=23)
        assert (await browser.exchange()).status == 200
    stage.pass_time(hours=5)
    assert (await browser.exchange()).status == 401


async def test_where_a_session_was_used_is_noted_once_a_minute(stage: Stage) -> None:
    browser = await stage.in_browser()
    started = stage.clock.now()
    browser.address, browser.device = "192.0.2.50", "Browser/2"
    stage.pass_time(seconds=59)
    await browser.exchange()
    [session] = (await browser.get("/sessions")).body["items"]
    assert session["last_used_at"] == f"{started:%Y-%m-%dT%H:%M:%SZ}"
    assert (session["address"], session["device"]) == ("203.0.113.7", "Browser/1")
    stage.pass_time(seconds=1)
    await browser.exchange()
    [session] = (await browser.get("/sessions")).body["items"]
    noted = started + timedelta(minutes=1)
    assert session["last_used_at"] == f"{noted:%Y-%m-%dT%H:%M:%SZ}"
    assert (session["address"], session["device"]) == ("192.0.2.50", "Browser/2")


async def test_the_list_shows_sessions_of_both_kinds(stage: Stage) -> None:
    email, _ = await stage.register()
    await stage.signed_in(email)
    browser = await stage.in_browser(email)
    listed = (await browser.get("/sessions", count="true")).body
    shown = [(item["kind"], item["current"]) for item in listed["items"]]
    assert shown == [("browser", True), ("app", False)]
    assert listed["total"] == 2


async def test_a_session_ended_on_another_device_is_refused_at_the_next_exchange(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    browser, app = await stage.in_browser(email), await stage.signed_in(email)
    session_id = (await browser.exchange()).body["session_id"]
    assert (await app.delete(f"/sessions/{session_id}")).status == 204
    assert (await browser.exchange()).status == 401
    assert (await browser.get("/me")).status == 401
    assert (await app.get("/me")).status == 200


async def test_logging_out_ends_the_browser_session(stage: Stage) -> None:
    browser = await stage.in_browser()
    assert (await browser.delete("/sessions/current")).status == 204
    assert (await browser.exchange()).status == 401


async def test_a_new_password_ends_every_browser_but_the_one_it_was_set_in(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    own, other = await stage.in_browser(email), await stage.in_browser(email)
    body = {"current_password": PASSWORD, "password": "another pass phrase"}
    assert (await own.put("/me/password", body)).status == 204
    assert (await own.exchange()).status == 200
    assert (await other.exchange()).status == 401


async def test_a_password_reset_ends_every_browser(stage: Stage) -> None:
    email, _ = await stage.register()
    browsers = [await stage.in_browser(email) for _ in range(2)]
    await stage.visitor().post("/password-resets", {"email": email})
    body = {"token": await stage.reset_token(), "password": "a new pass phrase"}
    await stage.visitor().post("/password-resets/confirm", body)
    assert [(await browser.exchange()).status for browser in browsers] == [401] * 2


async def test_whoever_left_the_staff_has_no_open_browser(stage: Stage) -> None:
    await stage.staff()
    browser = await stage.in_browser("support@company.example.com")
    async with stage.db.transaction() as tx:
        await tx.execute("UPDATE users SET active = false")
    assert (await browser.exchange()).status == 401
    async with stage.db.transaction() as tx:
        await tx.execute("UPDATE users SET active = true")


async def test_browser_sessions_that_are_over_are_removed_after_their_time(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    await stage.in_browser(email)
    stage.pass_time(days=98)
    current = await stage.in_browser(email)
    await remove_what_is_over(JobRun(uuid7(), stage.resources))
    async with stage.db.reading() as tx:
        assert await tx.fetchval("SELECT count(*) FROM sessions") == 1
    assert (await current.exchange()).status == 200


async def test_the_routes_for_the_gateway_are_no_part_of_the_api(stage: Stage) -> None:
    visitor = stage.visitor()
    body = {"session_token": "A" * 43}
    assert (await visitor.post("/browser-sessions/exchange", body)).status == 404
    assert (await visitor.post("/sessions/exchange", body)).status in {404, 405}
    # The gateway passes on what follows the prefix as it is.
    for up in ("..", "%2e%2e", "..%2f.."):
        path = f"/api/v1/sessions/{up}/{up}/{up}/internal/browser-sessions/exchange"
        url = URL(stage.url + path, encoded=True)
        async with stage.http.post(url, json=body) as answer:
            assert answer.status == 404
