"""Keys are exchanged while people are signed in: nobody notices."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession
from joserfc.jwk import OKPKey

from chassis import tokens
from chassis.tokens import PublishedKeys, TokenVerifier
from tests.integration.accounts.stage import LINK_KEY, PASSWORD, Client, Stage

NEW_LINK_KEY = "another link key for tests"
WAIT_SECONDS = 60
ROUNDS_PER_STEP = 5


def a_key() -> dict[str, object]:
    return dict(OKPKey.generate_key("Ed25519").as_dict(private=True))


def signing(key: object, *accepted: object) -> dict[str, object]:
    """Return the settings of an accounts that signs with one key and accepts more."""
    keys = json.dumps({"keys": accepted}) if accepted else ""
    return {"signing_key": json.dumps(key), "signing_keys_accepted": keys}


class Replicas:
    """Two processes of accounts, replaced one after the other."""

    def __init__(self, stage: Stage, stack: AsyncExitStack) -> None:
        self._stage = stage
        self._stack = stack
        self.serving: list[Stage] = []
        self.times_fetched = 0

    async def roll(self, given: dict[str, object]) -> AsyncIterator[None]:
        """Replace each by one with these settings; yield after each."""
        for place in range(2):
            replica = await self._stack.enter_async_context(self._stage.beside(**given))
            self.serving[place : place + 1] = [replica]
            yield

    async def keys(self) -> dict[str, list[dict[str, str]]]:
        """Fetch the published keys, as every other process does."""
        url = f"{self.serving[-1].url}/.well-known/jwks.json"
        async with ClientSession() as http, http.get(url) as answer:
            published = await answer.json()
        self.times_fetched += 1
        return published


async def fetch_keys(judge: TokenVerifier, replicas: Replicas) -> None:
    """Let the five minutes pass after which every process has fetched the keys."""
    before = replicas.times_fetched
    async with judge.running(), asyncio.timeout(WAIT_SECONDS):
        while replicas.times_fetched == before:
            await asyncio.sleep(0.01)


async def use(client: Client, replicas: Sequence[Stage], judge: TokenVerifier) -> None:
    """Refresh at each process; every process takes the token that it gives."""
    for replica in replicas:
        client.http = replica.http
        answer = await client.refresh()
        assert answer.status == 200, answer.body
        client.take(answer)
        assert client.access_token is not None
        await judge.verify(client.access_token)
        for other in replicas:
            client.http = other.http
            assert (await client.get("/me")).status == 200


async def test_nobody_is_signed_out_while_the_signing_key_changes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody fetches out of turn: each step must do without.
    monkeypatch.setattr(tokens, "RETRY_SECONDS", 3600.0)
    old, new = a_key(), a_key()
    email, _ = await stage.register()
    async with AsyncExitStack() as stack:
        replicas = Replicas(stage, stack)
        async for _ in replicas.roll(signing(old)):
            pass
        client = Client(replicas.serving[0].http)
        await client.log_in(email)
        # As another service judges, by the keys that it fetched.
        published = PublishedKeys(replicas.keys)
        judge = TokenVerifier(published, issuer="clientarea", clock=stage.clock)
        await fetch_keys(judge, replicas)
        steps = [signing(old, new), signing(new, old), signing(new)]
        for step in steps:
            async for _ in replicas.roll(step):
                for _ in range(ROUNDS_PER_STEP):
                    await use(client, replicas.serving, judge)
            await fetch_keys(judge, replicas)


async def test_a_repeat_across_the_change_gets_the_same_child(stage: Stage) -> None:
    old, new = a_key(), a_key()
    email, _ = await stage.register()
    async with (
        stage.beside(**signing(old, new)) as before,
        stage.beside(**signing(new, old)) as after,
    ):
        for first, second in ((before, after), (after, before)):
            client = Client(first.http)
            await client.log_in(email)
            child = (await client.refresh()).body["refresh_token"]
            client.http = second.http
            assert (await client.refresh()).body["refresh_token"] == child
            assert (await client.refresh(child)).status == 200


async def test_a_key_that_is_not_accepted_any_more_opens_nothing(stage: Stage) -> None:
    old, new = a_key(), a_key()
    email, _ = await stage.register()
    async with (
        stage.beside(**signing(old)) as before,
        stage.beside(**signing(new)) as after,
    ):
        client = Client(before.http)
        await client.log_in(email)
        client.http = after.http
        assert (await client.get("/me")).status == 401


async def test_the_published_keys_hold_no_private_half(stage: Stage) -> None:
    async with stage.beside(**signing(a_key(), a_key())) as replica:
        published = await Replicas.keys(_serving(replica))
    assert len(published["keys"]) == 2
    assert not any("d" in key for key in published["keys"])


def _serving(replica: Stage) -> Replicas:
    replicas = Replicas(replica, AsyncExitStack())
    replicas.serving.append(replica)
    return replicas


async def test_links_mailed_before_their_key_changed_still_serve(stage: Stage) -> None:
    email, _ = await stage.register()
    body = {"token": await stage.verification_token()}
    async with stage.beside(link_key=NEW_LINK_KEY) as alone:
        answer = await alone.visitor().post("/email-verifications", body)
        assert answer.status == 422
    both = {"link_key": NEW_LINK_KEY, "link_keys_accepted": f"{LINK_KEY}\n"}
    async with stage.beside(**both) as changed:
        answer = await changed.visitor().post("/email-verifications", body)
        assert answer.status == 204
        await stage.visitor().post("/password-resets", {"email": email})
        reset = {"token": await stage.reset_token(), "password": PASSWORD + "!"}
        answer = await changed.visitor().post("/password-resets/confirm", reset)
        assert answer.status == 204
