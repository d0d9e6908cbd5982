"""Sessions: how long they live, and what a refresh token may still do."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from chassis.errors import Conflict, NotAuthenticated

#: A repeat within this time gets the same child: an answer may have been lost, or
#: two tabs may have asked at once.
REFRESH_GRACE = timedelta(seconds=10)
#: How exactly it is known when a browser's session was last used.
USE_NOTED_EVERY = timedelta(minutes=1)
#: A log-in that is repeated within this time, as by a double click, is one.
LOG_IN_GRACE = timedelta(minutes=1)
MAXIMUM_DEVICE_LENGTH = 300


class WrongCredentials(NotAuthenticated):
    """The e-mail or the password is wrong."""


class SessionEnded(NotAuthenticated):
    """The session has ended; sign in again."""


class SessionNotValid(NotAuthenticated):
    """The session is not valid, or no longer; sign in again."""


class PasswordJustChanged(Conflict):
    """The password has just been changed."""


class SessionKind(StrEnum):
    """A browser's keeps one token; an app's has a family of refresh tokens."""

    APP = "app"
    BROWSER = "browser"


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
    """A signed-in device."""

    id: UUID
    user_id: UUID
    device: str | None
    address: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    #: Of a browser's token: never the token itself.
    token_hash: bytes | None = None

    @property
    def kind(self) -> SessionKind:
        return SessionKind.BROWSER if self.token_hash else SessionKind.APP

    def is_live(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at

    def is_use_noted(self, now: datetime) -> bool:
        """Whether its last use is known well enough, so that nothing need be saved."""
        return now - self.last_used_at < USE_NOTED_EVERY


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
    token_hash: bytes | None = None,
) -> Session:
    return Session(
        id=session_id,
        user_id=user_id,
        device=_shortened(device),
        address=address,
        created_at=now,
        last_used_at=now,
        expires_at=now + min(lifetime.idle, lifetime.total),
        token_hash=token_hash,
    )


def use_session(
    session: Session,
    *,
    device: str | None,
    address: str | None,
    lifetime: Lifetime,
    now: datetime,
) -> Session:
    """Return the session as it is after a use: seen now, and longer-lived."""
    return replace(
        session,
        device=_shortened(device) or session.device,
        address=address or session.address,
        last_used_at=now,
        expires_at=min(now + lifetime.idle, session.created_at + lifetime.total),
    )


def is_just_begun(session: Session, *, now: datetime) -> bool:
    """Whether the log-in that began it may still be repeated."""
    return session.is_live(now) and now - session.created_at <= LOG_IN_GRACE


def log_in_token(key: bytes, user_id: UUID, log_in: str) -> str:
    """Return the session token that follows from a log-in, which has a name."""
    # No token that another could descend from has spaces in it.
    return child_token(key, f"log-in {user_id} {log_in}")


def new_token() -> str:
    """Return a browser's session token, or the first of a family of refresh tokens."""
    return secrets.token_urlsafe(32)


def child_token(key: bytes, parent: str) -> str:
    """Return the token that follows `parent`; only the key's holder can tell."""
    child = hmac.digest(key, parent.encode(), sha256)
    return urlsafe_b64encode(child).rstrip(b"=").decode("ascii")


def token_hash(token: str) -> bytes:
    # The token is 256 random bits: nothing to guess, so a fast hash will do.
    return sha256(token.encode()).digest()


def _shortened(device: str | None) -> str | None:
    return device[:MAXIMUM_DEVICE_LENGTH] if device else None
