"""Slow or secret machinery, kept out of transactions: password hashes, token keys."""

import asyncio
import unicodedata
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from hmac import digest
from typing import ParamSpec, TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from joserfc.jwk import KeySet, OKPKey

from chassis.clock import Clock
from chassis.errors import Unavailable
from chassis.principal import Principal
from chassis.tokens import (
    LIFETIME,
    FixedKeys,
    TokenVerifier,
    public_keys,
    sign_token,
)
from services.accounts.domain import sessions

#: OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
#: More than this many waiting would be answered too late to matter.
MAXIMUM_WAITING = 200
WAIT_SECONDS = 10.0

P = ParamSpec("P")
R = TypeVar("R")


class TooManyLogIns(Unavailable):
    """Too many people are signing in right now; try again shortly."""


class Passwords:
    """Argon2id in a few threads of its own, so that a flood delays nobody else."""

    def __init__(self, executor: ThreadPoolExecutor, threads: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES
        )
        self._executor = executor
        self._slots = asyncio.Semaphore(threads)
        self._waiting = 0
        #: What an unknown e-mail's password is compared with, at the same cost.
        self._nobodys = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        return await self._run(self._hasher.hash, _normal(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right; takes as long if there is no hash."""
        matches = await self._run(
            self._matches, password_hash or self._nobodys, _normal(password)
        )
        return matches and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        async with self._slot():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._executor, lambda: work(*args, **kwargs)
            )

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        if self._waiting >= MAXIMUM_WAITING:
            raise TooManyLogIns
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise TooManyLogIns from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


@asynccontextmanager
async def open_passwords(threads: int) -> AsyncGenerator[Passwords]:
    """Open the threads that hash; closing waits for what they are doing."""
    with ThreadPoolExecutor(threads, thread_name_prefix="passwords") as executor:
        yield Passwords(executor, threads)


class Tokens:
    """Signs access tokens, and holds the keys that refresh tokens descend by."""

    lifetime_seconds = int(LIFETIME.total_seconds())

    def __init__(
        self, key: OKPKey, accepted: Sequence[OKPKey] = (), *, issuer: str
    ) -> None:
        self._key = key
        self._published = (key, *accepted)
        self._issuer = issuer
        #: Derived, so that there is one secret less to keep; the first is today's.
        self.refresh_keys = [
            digest(
                each.as_bytes(encoding="DER", private=True), b"refresh tokens", sha256
            )
            for each in self._published
            if each.is_private
        ]

    def log_in_token(self, user_id: UUID, log_in: str) -> str:
        """Return the session token that follows from a user's named log-in."""
        return sessions.log_in_token(self.refresh_keys[0], user_id, log_in)

    def sign(self, principal: Principal, *, now: datetime) -> str:
        return sign_token(self._key, principal, issuer=self._issuer, now=now)

    def verifier(self, clock: Clock) -> TokenVerifier:
        """Return what accounts itself verifies by, without asking over HTTP."""
        keys = FixedKeys(KeySet.import_key_set(public_keys(*self._published)))
        return TokenVerifier(keys, issuer=self._issuer, clock=clock)

    def published(self) -> Mapping[str, object]:
        """Return the public keys as a JWK set."""
        return public_keys(*self._published)


def _normal(password: str) -> str:
    # The same letters can be typed as different code points on another keyboard.
    return unicodedata.normalize("NFKC", password)
