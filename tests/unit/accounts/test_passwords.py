"""Hashing: right and wrong, at the same cost, and only so many waiting."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.accounts import providers
from services.accounts.providers import Passwords, TooManyLogIns, open_passwords


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    async with open_passwords(1) as opened:
        yield opened


async def test_only_the_password_matches_its_hash(passwords: Passwords) -> None:
    kept = await passwords.hash("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(kept, "correct horse")
    assert not await passwords.verify(kept, "Correct horse")
    assert not await passwords.verify("no hash at all", "correct horse")


async def test_nobody_has_no_password(passwords: Passwords) -> None:
    assert not await passwords.verify(None, "nobody's password")


async def test_beyond_the_queue_people_are_asked_to_come_back(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "MAXIMUM_WAITING", 2)
    results = await asyncio.gather(
        *(passwords.verify(None, "x") for _ in range(6)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, TooManyLogIns)]
    assert len(refused) == 3
    assert not await passwords.verify(None, "x")
