"""Browsers' sessions at the gateway, in front of a real accounts."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from chassis.client import UpstreamAway
from chassis.context import Cause, because_of
from chassis.ids import uuid7
from chassis.resources import VERIFIER
from gateway.services import Refused, Services
from gateway.sessions import BrowserSessions, OpenSession, csrf_token_of
from gateway.settings import Settings
from gateway.upstream import open_upstream
from tests.integration.accounts.stage import PASSWORD, Stage
from tests.support.tokens import a_verifier

BROWSER = "Browser/1"
EXCHANGE = "POST /internal/browser-sessions/exchange"
WAIT_SECONDS = 60


class WatchedServices(Services):
    """Tells what was asked, and holds answers back while `passing` isn't set."""

    asked: list[str]
    arrived: int
    passing: asyncio.Event
    #: What answers say instead, such as a shorter life.
    changes: dict[str, object]

    async def ask(self, method: str, path: str, **options: Any) -> bytes:
        self.asked.append(f"{method} {path}")
        content = await super().ask(method, path, **options)
        self.arrived += 1
        await self.passing.wait()
        if not self.changes:
            return content
        return json.dumps({**json.loads(content), **self.changes}).encode()

    async def until_answered(self) -> None:
        """Wait until accounts has answered what was asked."""
        async with asyncio.timeout(WAIT_SECONDS):
            while self.arrived < len(self.asked):
                await asyncio.sleep(0.01)


def _settings(accounts_url: str) -> Settings:
    others = ("billing", "tickets", "notifier", "public")
    urls = {f"{name}_url": "http://127.0.0.1:1" for name in others}
    return Settings.model_validate({**urls, "accounts_url": accounts_url})


@pytest.fixture
async def services(stage: Stage) -> AsyncIterator[WatchedServices]:
    settings = _settings(stage.url)
    async with open_upstream(settings) as upstream:
        services = WatchedServices(settings, upstream)
        services.asked, services.arrived, services.changes = [], 0, {}
        services.passing = asyncio.Event()
        services.passing.set()
        yield services


@pytest.fixture
def sessions(stage: Stage, services: WatchedServices) -> BrowserSessions:
    return BrowserSessions(services, stage.resources[VERIFIER])


async def _token(stage: Stage, sessions: BrowserSessions) -> str:
    email, _ = await stage.register()
    return await _logged_in(sessions, email)


async def _logged_in(sessions: BrowserSessions, email: str, key: str = "") -> str:
    begun = await sessions.log_in(
        email, PASSWORD, key=key or str(uuid7()), user_agent=BROWSER
    )
    return begun.session_token


async def _opened(sessions: BrowserSessions, token: str) -> OpenSession:
    session = await sessions.open(token, user_agent=BROWSER)
    assert session is not None
    return session


async def test_a_log_in_opens_a_session_with_its_person(
    stage: Stage, sessions: BrowserSessions
) -> None:
    email, customer_id = await stage.register()
    token = await _logged_in(sessions, email)
    session = await _opened(sessions, token)
    assert (session.me.email, session.me.customer_id) == (email, customer_id)
    assert session.principal.customer_id == customer_id
    assert session.principal.session_id == session.id
    assert session.csrf_token == csrf_token_of(token)


async def test_secrets_are_no_part_of_how_a_session_is_shown(
    stage: Stage, sessions: BrowserSessions
) -> None:
    session = await _opened(sessions, await _token(stage, sessions))
    assert session.access_token not in repr(session)
    assert session.csrf_token not in repr(session)


async def test_every_log_in_gets_another_token_and_another_session(
    stage: Stage, sessions: BrowserSessions
) -> None:
    email, _ = await stage.register()
    tokens = [await _logged_in(sessions, email) for _ in range(2)]
    opened = [await _opened(sessions, token) for token in tokens]
    assert tokens[0] != tokens[1]
    assert opened[0].id != opened[1].id


async def test_a_wrong_password_is_refused_as_accounts_says(
    stage: Stage, sessions: BrowserSessions
) -> None:
    email, _ = await stage.register()
    for _ in range(10):
        with pytest.raises(Refused) as refused:
            await sessions.log_in(
                email, "a wrong password", key="k", user_agent=BROWSER
            )
        assert (refused.value.status, refused.value.kind) == (401, "WrongCredentials")
    with pytest.raises(Refused) as refused:
        await _logged_in(sessions, email)
    assert (refused.value.status, refused.value.retry_after) == (429, 900)


async def test_an_open_session_is_kept_and_costs_no_further_call(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    token = await _token(stage, sessions)
    first = await _opened(sessions, token)
    assert await _opened(sessions, token) is first
    assert services.asked.count(EXCHANGE) == 1


async def test_two_exchanges_at_once_are_one_call(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    tokens = [await _token(stage, sessions) for _ in range(2)]
    opened = await asyncio.gather(*(_opened(sessions, token) for token in tokens * 8))
    assert services.asked.count(EXCHANGE) == 2
    assert len({session.id for session in opened}) == 2


async def test_a_request_given_up_takes_nobody_elses_exchange_along(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    token = await _token(stage, sessions)
    services.passing.clear()
    first = asyncio.ensure_future(_opened(sessions, token))
    second = asyncio.ensure_future(_opened(sessions, token))
    await asyncio.sleep(0)
    await services.until_answered()
    first.cancel()
    await asyncio.wait([first])
    services.passing.set()
    assert (await second).csrf_token == csrf_token_of(token)
    assert services.asked.count(EXCHANGE) == 1


async def test_an_access_token_that_is_about_to_end_is_not_used_again(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    services.changes = {"expires_in": 30}
    token = await _open_twice(stage, sessions)
    assert services.asked.count(EXCHANGE) == 2
    services.changes = {}
    await _opened(sessions, token)
    await _opened(sessions, token)
    assert services.asked.count(EXCHANGE) == 3


async def _open_twice(stage: Stage, sessions: BrowserSessions) -> str:
    browser = await stage.in_browser()
    for _ in range(2):
        await _opened(sessions, browser.session_token)
    return browser.session_token


@pytest.mark.parametrize(
    "token",
    ["", "x", "A" * 42, "A" * 44, "A" * 42 + "\n", "A" * 42 + "=", "\u00e1" * 43],
)
async def test_what_can_be_no_token_is_not_even_asked_about(
    services: WatchedServices, sessions: BrowserSessions, token: str
) -> None:
    assert await sessions.open(token, user_agent=BROWSER) is None
    assert services.asked == []


async def test_an_unknown_token_opens_nothing(sessions: BrowserSessions) -> None:
    assert await sessions.open("A" * 43, user_agent=BROWSER) is None


async def test_logging_out_ends_the_session_here_and_at_accounts(
    stage: Stage, sessions: BrowserSessions
) -> None:
    token = await _token(stage, sessions)
    session = await _opened(sessions, token)
    await sessions.end(session)
    assert await sessions.open(token, user_agent=BROWSER) is None
    # From another tab, say: it is over already.
    await sessions.end(session)


async def _end_elsewhere(stage: Stage, session: OpenSession) -> None:
    app = await stage.signed_in(session.me.email)
    assert (await app.delete(f"/sessions/{session.id}")).status == 204


async def test_a_session_ended_on_another_device_is_refused_once_that_is_told(
    stage: Stage, sessions: BrowserSessions
) -> None:
    token = await _token(stage, sessions)
    session = await _opened(sessions, token)
    await _end_elsewhere(stage, session)
    [told] = await stage.events("accounts.session.ended.v1")
    sessions.note_ended(told.subject)
    assert await sessions.open(token, user_agent=BROWSER) is None


async def test_the_end_of_one_session_costs_no_other(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    token, other = await _token(stage, sessions), await _token(stage, sessions)
    session, _ = await _opened(sessions, token), await _opened(sessions, other)
    sessions.forget_session(session.id)
    await _opened(sessions, other)
    assert services.asked.count(EXCHANGE) == 2


async def test_a_session_that_ends_while_its_exchange_is_under_way_is_not_opened(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    browser = await stage.in_browser()
    session_id = (await browser.exchange()).body["session_id"]
    services.passing.clear()
    opening = asyncio.ensure_future(
        sessions.open(browser.session_token, user_agent=BROWSER)
    )
    await asyncio.sleep(0)
    await services.until_answered()
    await browser.delete("/sessions/current")
    sessions.note_ended(UUID(session_id))
    services.passing.set()
    assert await opening is None


async def test_a_session_that_is_to_be_read_anew_meanwhile_is_opened_but_not_kept(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    browser = await stage.in_browser()
    session_id = (await browser.exchange()).body["session_id"]
    services.passing.clear()
    opening = asyncio.ensure_future(
        sessions.open(browser.session_token, user_agent=BROWSER)
    )
    await asyncio.sleep(0)
    await services.until_answered()
    sessions.forget_session(UUID(session_id))
    services.passing.set()
    assert await opening is not None
    await _opened(sessions, browser.session_token)
    assert services.asked.count(EXCHANGE) == 2


async def test_the_same_log_in_twice_at_once_is_one_session(
    stage: Stage, sessions: BrowserSessions
) -> None:
    email, _ = await stage.register()
    tokens = await asyncio.gather(
        *(_logged_in(sessions, email, key="a-form") for _ in range(3))
    )
    assert len(set(tokens)) == 1
    await _opened(sessions, tokens[0])


async def test_listening_keeps_no_session_alive_but_a_use_after_it_does(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    token = await _token(stage, sessions)
    stage.pass_time(days=6.9)
    for _ in range(2):
        listening = await sessions.open(token, user_agent=BROWSER, is_use=False)
        assert listening is not None
    assert services.asked.count(EXCHANGE) == 1
    # Somebody clicks: that it was kept for a listener must not hide it from accounts.
    await _opened(sessions, token)
    await sessions.open(token, user_agent=BROWSER, is_use=False)
    assert services.asked.count(EXCHANGE) == 2
    sessions.forget_all()
    stage.pass_time(days=6.9)
    await sessions.open(token, user_agent=BROWSER, is_use=False)
    sessions.forget_all()
    stage.pass_time(days=0.2)
    assert await sessions.open(token, user_agent=BROWSER, is_use=False) is None


async def test_a_changed_customer_is_seen_as_soon_as_that_is_told(
    stage: Stage, sessions: BrowserSessions
) -> None:
    browser = await stage.in_browser()
    before = await _opened(sessions, browser.session_token)
    await browser.patch("/me", {"name": "Zuleica"})
    [told] = await stage.events("accounts.customer.updated.v1")
    sessions.forget_customer(told.subject)
    after = await _opened(sessions, browser.session_token)
    assert (before.me.name, after.me.name) == ("Ana Souza", "Zuleica")


async def test_a_customer_changed_while_an_exchange_is_under_way_is_asked_for_again(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    email, customer_id = await stage.register()
    browser = await stage.in_browser(email)
    services.passing.clear()
    opening = asyncio.ensure_future(_opened(sessions, browser.session_token))
    await asyncio.sleep(0)
    await services.until_answered()
    await browser.patch("/me", {"name": "Zuleica"})
    sessions.forget_customer(customer_id)
    services.passing.set()
    await opening
    assert (await _opened(sessions, browser.session_token)).me.name == "Zuleica"


async def test_a_changed_person_is_asked_for_anew(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    token = await _token(stage, sessions)
    session = await _opened(sessions, token)
    sessions.forget_user(session.principal.user_id)
    await _opened(sessions, token)
    assert services.asked.count(EXCHANGE) == 2


async def test_after_a_gap_in_hearing_everybody_is_asked_for_anew(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    tokens = [await _token(stage, sessions) for _ in range(2)]
    for _ in range(2):
        for token in tokens:
            await _opened(sessions, token)
        sessions.forget_all()
    assert services.asked.count(EXCHANGE) == 4


async def test_an_exchange_under_way_in_a_gap_is_not_kept(
    stage: Stage, services: WatchedServices, sessions: BrowserSessions
) -> None:
    browser = await stage.in_browser()
    services.passing.clear()
    opening = asyncio.ensure_future(_opened(sessions, browser.session_token))
    await asyncio.sleep(0)
    await services.until_answered()
    sessions.forget_all()
    services.passing.set()
    await opening
    await _opened(sessions, browser.session_token)
    assert services.asked.count(EXCHANGE) == 2


async def test_accounts_hears_which_browser_it_is_and_where(
    stage: Stage, sessions: BrowserSessions
) -> None:
    token = await _token(stage, sessions)
    stage.pass_time(minutes=5)
    with because_of(Cause("c", "c", "system:test", address="192.0.2.9")):
        session = await sessions.open(token, user_agent="Browser/2 (moved)")
    assert session is not None
    app = await stage.signed_in(session.me.email)
    items = (await app.get("/sessions")).body["items"]
    [shown] = [item for item in items if item["id"] == str(session.id)]
    assert (shown["device"], shown["address"]) == ("Browser/2 (moved)", "192.0.2.9")


async def test_while_accounts_is_away_a_session_is_neither_open_nor_over(
    stage: Stage,
) -> None:
    settings = _settings("http://127.0.0.1:1")
    async with open_upstream(settings) as upstream:
        away = Services(settings, upstream)
        sessions = BrowserSessions(away, stage.resources[VERIFIER])
        for attempt in (
            sessions.open("A" * 43, user_agent=BROWSER),
            sessions.log_in("ana@example.com", PASSWORD, key="k", user_agent=BROWSER),
        ):
            with pytest.raises(UpstreamAway):
                await attempt


async def test_a_key_that_has_not_come_here_yet_costs_nobody_the_session(
    stage: Stage, services: WatchedServices
) -> None:
    sessions = BrowserSessions(services, a_verifier(stage.clock))
    token = await _token(stage, sessions)
    with pytest.raises(UpstreamAway):
        await sessions.open(token, user_agent=BROWSER)
