"""A token is believed when accounts signed it for us, and only while it lasts."""

import asyncio
import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import KeySetSerialization, OKPKey

from chassis import tokens
from chassis.clock import FixedClock
from chassis.errors import Unavailable
from chassis.tokens import BadToken, PublishedKeys, TokenVerifier, public_keys
from tests.support.tokens import (
    ISSUER,
    KEY,
    a_customer,
    a_staff_member,
    a_verifier,
    token_of,
)

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
OTHER_KEY = OKPKey.generate_key("Ed25519", auto_kid=True)


def rewritten(token: str, part: int, **changes: object) -> str:
    """Return the token with its header (0) or claims (1) changed."""
    parts = token.split(".")
    padded = parts[part] + "=" * (-len(parts[part]) % 4)
    content = json.loads(base64.urlsafe_b64decode(padded)) | changes
    raw = json.dumps(content).encode()
    parts[part] = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return ".".join(parts)


@pytest.mark.parametrize(
    "caller", [a_customer("billing"), a_staff_member("news.write")]
)
async def test_a_good_token_gives_back_its_bearer(caller: Any) -> None:
    assert await a_verifier().verify(token_of(caller)) == caller


async def test_a_token_lasts_until_its_time_and_a_little_longer() -> None:
    clock = FixedClock(NOON)
    verifier = a_verifier(clock)
    token = token_of(a_customer(), now=NOON, lifetime=timedelta(minutes=5))
    for seconds in (-10, 0, 300, 309):
        clock.instant = NOON + timedelta(seconds=seconds)
        await verifier.verify(token)
    for seconds in (-11, 310):
        clock.instant = NOON + timedelta(seconds=seconds)
        with pytest.raises(BadToken):
            await verifier.verify(token)


async def test_another_issuers_token_is_refused() -> None:
    with pytest.raises(BadToken, match="not made for this system"):
        await a_verifier().verify(token_of(a_customer(), issuer="elsewhere"))


async def test_another_keys_token_is_refused() -> None:
    with pytest.raises(BadToken):
        await a_verifier().verify(token_of(a_customer(), key=OTHER_KEY))


@pytest.mark.parametrize(
    "changes", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "EdDSA"}, {"kid": None}]
)
async def test_the_header_decides_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        await a_verifier().verify(rewritten(token_of(a_customer()), 0, **changes))


async def test_a_public_key_is_no_shared_secret() -> None:
    token = rewritten(token_of(a_customer()), 0, alg="HS256")
    signed, _, _ = token.rpartition(".")
    mac = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    forged = base64.urlsafe_b64encode(mac).decode().rstrip("=")
    with pytest.raises(BadToken):
        await a_verifier().verify(f"{signed}.{forged}")


async def test_changed_claims_are_refused() -> None:
    token = rewritten(token_of(a_customer()), 1, kind="staff", customer_id=None)
    with pytest.raises(BadToken):
        await a_verifier().verify(token)


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "....", "é.é.é", "x" * 10_000, "\0.\0.\0"]
)
async def test_nonsense_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        await a_verifier().verify(token)


def test_the_published_keys_hold_no_secret() -> None:
    (published,) = public_keys(KEY)["keys"]
    assert "d" not in published
    assert (published["kid"], published["alg"]) == (KEY.kid, "Ed25519")


class Accounts:
    """Stands for accounts' JWKS: may be away, and may change its keys."""

    def __init__(self, *keys: OKPKey) -> None:
        self.keys = keys
        self.away = False
        self.asked = 0

    async def fetch(self) -> KeySetSerialization:
        self.asked += 1
        if self.away:
            raise ConnectionRefusedError
        return public_keys(*self.keys)

    def verifier(self) -> TokenVerifier:
        keys = PublishedKeys(self.fetch)
        return TokenVerifier(keys, issuer=ISSUER, clock=FixedClock(datetime.now(UTC)))


async def test_keys_are_fetched_once_and_kept() -> None:
    accounts = Accounts(KEY)
    verifier = accounts.verifier()
    for _ in range(3):
        await verifier.verify(token_of(a_customer()))
    accounts.away = True
    await verifier.verify(token_of(a_customer()))
    assert accounts.asked == 1


async def test_a_new_key_is_fetched_when_it_is_first_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "RETRY_SECONDS", 0.0)
    accounts = Accounts(KEY)
    verifier = accounts.verifier()
    await verifier.verify(token_of(a_customer()))
    accounts.keys = (KEY, OTHER_KEY)
    await verifier.verify(token_of(a_customer(), key=OTHER_KEY))
    assert accounts.asked == 2


async def test_a_flood_of_unknown_keys_asks_accounts_rarely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "RETRY_SECONDS", 3600.0)
    accounts = Accounts(KEY)
    verifier = accounts.verifier()
    stranger = token_of(a_customer(), key=OTHER_KEY)

    async def refused() -> None:
        with pytest.raises(BadToken):
            await verifier.verify(stranger)

    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(refused())
    assert accounts.asked == 1


async def test_before_the_first_keys_nobody_is_called_a_liar() -> None:
    accounts = Accounts(KEY)
    accounts.away = True
    with pytest.raises(Unavailable):
        await accounts.verifier().verify(token_of(a_customer()))


async def test_the_background_brings_the_keys_as_soon_as_accounts_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "FIRST_RETRY_SECONDS", 0.02)
    accounts = Accounts(KEY)
    accounts.away = True
    verifier = accounts.verifier()
    async with verifier.running(), asyncio.timeout(60):
        while accounts.asked < 2:
            await asyncio.sleep(0.01)
        accounts.away = False
        asked = accounts.asked
        while accounts.asked == asked:
            await asyncio.sleep(0.01)
    accounts.away = True
    await verifier.verify(token_of(a_customer()))
