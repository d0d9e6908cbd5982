"""Access tokens: Ed25519 JWTs, verified with accounts' published keys."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization, OKPKey
from pydantic import BaseModel, ConfigDict

from chassis.clock import Clock
from chassis.errors import NotAuthenticated, Unavailable
from chassis.principal import Kind, Principal

#: RFC 9864; "EdDSA" named a family of curves, and is deprecated.
ALGORITHM = "Ed25519"
AUDIENCE = "clientarea"
LIFETIME = timedelta(minutes=5)
#: Clocks of two machines may differ by this much.
LEEWAY = timedelta(seconds=10)
MAXIMUM_TOKEN_CHARACTERS = 8192
#: Tokens whose signature was found good, the oldest forgotten first.
MAXIMUM_REMEMBERED = 10_000

REFRESH_SECONDS = 300.0
#: After a failed fetch, and at most this often for a key id nobody knows.
RETRY_SECONDS = 5.0
#: The same while there is no key at all: processes start in any order.
FIRST_RETRY_SECONDS = 0.5

log = structlog.get_logger("tokens")


class BadToken(NotAuthenticated):
    """The access token is not valid."""

    challenge = 'Bearer error="invalid_token"'


class Claims(BaseModel):
    """What an access token states, checked for shape."""

    model_config = ConfigDict(extra="ignore")

    iss: str
    aud: str
    sub: UUID
    sid: UUID
    kind: Kind
    customer_id: UUID | None = None
    permissions: frozenset[str]
    locale: str = "en"
    currency: str | None = None
    country: str | None = None
    iat: int
    exp: int


class Keys(Protocol):
    """Where verification keys come from."""

    @property
    def at_hand(self) -> bool:
        """Tell whether there is any key, so that tokens can be judged at all."""
        ...

    async def find(self, key_id: str | None) -> KeySet:
        """Return the known keys; a source that can look again for an id does so."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do what the source has to do beside, until the block ends."""
        ...


class FixedKeys:
    """Keys that are known beforehand: accounts' own, and those of tests."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    @property
    def at_hand(self) -> bool:
        return True

    async def find(self, key_id: str | None) -> KeySet:  # noqa: ARG002 - nothing else to look at
        return self._keys

    def running(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()


class PublishedKeys:
    """Keys fetched from accounts and kept: its absence costs nobody else.

    Refreshed in the background, and at once for an id that is not known (rate-limited);
    the last good keys stay in use while accounts doesn't answer.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Any]]) -> None:
        self._fetch = fetch
        self._keys: KeySet | None = None
        self._asked_at = float("-inf")
        self._lock = asyncio.Lock()

    @property
    def at_hand(self) -> bool:
        return self._keys is not None

    async def find(self, key_id: str | None) -> KeySet:
        if not self._knows(key_id):
            await self._refresh(unless=lambda: self._knows(key_id))
        if self._keys is None:
            raise Unavailable("the keys for access tokens are not at hand yet")
        return self._keys

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep the keys fresh until the block ends."""
        task = asyncio.create_task(self._keep_fresh(), name="refresh signing keys")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def _knows(self, key_id: str | None) -> bool:
        return self._keys is not None and any(
            key_id in (None, key.kid) for key in self._keys.keys
        )

    async def _refresh(self, unless: Callable[[], bool]) -> None:
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if unless() or now < self._asked_at + self._pause():
                return
            self._asked_at = now
            await self._try_fetch()

    async def _keep_fresh(self) -> None:
        while True:
            async with self._lock:
                self._asked_at = asyncio.get_running_loop().time()
                fetched = await self._try_fetch()
            await asyncio.sleep(REFRESH_SECONDS if fetched else self._pause())

    def _pause(self) -> float:
        return FIRST_RETRY_SECONDS if self._keys is None else RETRY_SECONDS

    async def _try_fetch(self) -> bool:
        try:
            self._keys = KeySet.import_key_set(await self._fetch())
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the old keys serve on
            log.warning("signing keys not fetched", reason=repr(error))
            return False
        return True


class TokenVerifier:
    """Turns an access token into a Principal, or raises BadToken."""

    def __init__(self, keys: Keys, *, issuer: str, clock: Clock) -> None:
        self._keys = keys
        self._issuer = issuer
        self._clock = clock
        self._verified: dict[str, Claims] = {}

    @property
    def ready(self) -> bool:
        """Tell whether tokens can be judged: there are keys."""
        return self._keys.at_hand

    async def verify(self, token: str) -> Principal:
        claims = self._verified.get(token)
        if claims is None:
            claims = await self._read(token)
            self._remember(token, claims)
        self._check_times(claims)
        return _principal_of(claims)

    def known(self, token: str) -> Principal | None:
        """Return who a token names that was verified before; None for any other."""
        claims = self._verified.get(token)
        try:
            if claims is not None:
                self._check_times(claims)
        except BadToken:
            return None
        return claims and _principal_of(claims)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Keep the keys fresh until the block ends."""
        return self._keys.running()

    async def _read(self, token: str) -> Claims:
        if len(token) > MAXIMUM_TOKEN_CHARACTERS:
            raise BadToken("the access token is too long")
        claims = _claims(token, await self._keys.find(_key_id(token)))
        if claims.iss != self._issuer or claims.aud != AUDIENCE:
            raise BadToken("the access token was not made for this system")
        if (claims.kind == "customer") != (claims.customer_id is not None):
            raise BadToken("the access token names no customer, or one too many")
        return claims

    def _remember(self, token: str, claims: Claims) -> None:
        # A signature is costly to check, and doesn't change; times are looked at anew.
        if len(self._verified) >= MAXIMUM_REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = claims

    def _check_times(self, claims: Claims) -> None:
        now = self._clock.now().timestamp()
        leeway = LEEWAY.total_seconds()
        if claims.exp + leeway <= now:
            raise BadToken("the access token has expired")
        if claims.iat - leeway > now:
            raise BadToken("the access token is not valid yet")


def sign_token(
    key: OKPKey,
    principal: Principal,
    *,
    issuer: str,
    now: datetime,
    lifetime: timedelta = LIFETIME,
) -> str:
    """Return an access token that says who the principal is."""
    claims = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": str(principal.user_id),
        "sid": str(principal.session_id),
        "kind": principal.kind,
        "customer_id": _text(principal.customer_id),
        "permissions": sorted(principal.permissions),
        "locale": principal.locale,
        "currency": principal.currency,
        "country": principal.country,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
    }
    stated = {name: value for name, value in claims.items() if value is not None}
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": "at+jwt"}
    return jwt.encode(header, stated, key, algorithms=[ALGORITHM])


def public_keys(*keys: OKPKey) -> KeySetSerialization:
    """Return the public halves as a JWKS document."""
    return KeySet(list(keys)).as_dict(private=False, use="sig", alg=ALGORITHM)


def _key_id(token: str) -> str | None:
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError):
        raise BadToken("the access token can't be read") from None
    key_id = header.get("kid")
    return key_id if isinstance(key_id, str) else None


def _claims(token: str, keys: KeySet) -> Claims:
    try:
        decoded = jwt.decode(token, keys, algorithms=[ALGORITHM])
        return Claims.model_validate(decoded.claims)
    except (JoseError, ValueError):  # pydantic's ValidationError is a ValueError
        raise BadToken("the access token's signature or content is wrong") from None


def _principal_of(claims: Claims) -> Principal:
    return Principal(
        kind=claims.kind,
        user_id=claims.sub,
        customer_id=claims.customer_id,
        session_id=claims.sid,
        permissions=claims.permissions,
        locale=claims.locale,
        currency=claims.currency,
        country=claims.country,
        expires_at=datetime.fromtimestamp(claims.exp, UTC),
    )


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
