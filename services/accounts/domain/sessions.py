"""Sessions: how long they live, and what a refresh token may still do."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from chassis.errors import NotAuthenticated

#: A repeat within this time gets the same child: an answer may have been lost, or
#: two tabs may have asked at once.
REFRESH_GRACE = timedelta(seconds=10)
MAXIMUM_DEVICE_LENGTH = 300


class WrongCredentials(NotAuthenticated):
    """The e-mail or the password is wrong."""


class SessionEnded(NotAuthenticated):
    """The session has ended; sign in again."""


class EndReason(StrEnum):
    LOGGED_OUT = "logged_out"
    ENDED_BY_USER = "ended_by_user"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, not a password
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a reason, not a password
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a reason, not a token


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A session ends when it isn't used for `idle`, and after `total` in any case."""

    idle: timedelta
    total: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in device; its refresh tokens are one family."""

    id: UUID
    user_id: UUID
    device: str | None
    address: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token as it is kept: never itself, only its hash."""

    hash: bytes
    session_id: UUID
    used_at: datetime | None = None


class Verdict(StrEnum):
    """What a presented refresh token leads to."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    REUSED = "reused"
    REFUSE = "refuse"


def judge_refresh(session: Session, token: RefreshToken, *, now: datetime) -> Verdict:
    """Decide on a token of this session."""
    if not session.is_live(now):
        return Verdict.REFUSE
    if token.used_at is None:
        return Verdict.ROTATE
    if now - token.used_at <= REFRESH_GRACE:
        return Verdict.REPEAT
    return Verdict.REUSED


def start_session(
    session_id: UUID,
    user_id: UUID,
    *,
    device: str | None,
    address: str | None,
    lifetime: Lifetime,
    now: datetime,
) -> Session:
    return Session(
        id=session_id,
        user_id=user_id,
        device=device[:MAXIMUM_DEVICE_LENGTH] if device else None,
        address=address,
        created_at=now,
        last_used_at=now,
        expires_at=now + min(lifetime.idle, lifetime.total),
    )


def use_session(
    session: Session, *, address: str | None, lifetime: Lifetime, now: datetime
) -> Session:
    """Return the session as it is after a refresh: seen now, and longer-lived."""
    return replace(
        session,
        address=address or session.address,
        last_used_at=now,
        expires_at=min(now + lifetime.idle, session.created_at + lifetime.total),
    )


def new_refresh_token() -> str:
    return secrets.token_urlsafe(32)


def child_token(key: bytes, parent: str) -> str:
    """Return the token that follows `parent`; only the key's holder can tell."""
    child = hmac.digest(key, parent.encode(), sha256)
    return urlsafe_b64encode(child).rstrip(b"=").decode("ascii")


def token_hash(token: str) -> bytes:
    # The token is 256 random bits: nothing to guess, so a fast hash will do.
    return sha256(token.encode()).digest()
