"""What needs passwords hashed, between transactions, or tokens signed, after one."""

import structlog
from aiohttp import web
from prometheus_client import Counter

from chassis.errors import RuleViolated
from chassis.principal import Principal
from chassis.resources import CLOCK, DATABASE, Resources
from contracts.api.accounts import BrowserSessionView, SessionTokensView
from services.accounts.commands import limits
from services.accounts.commands import sessions as commands
from services.accounts.commands.sessions import Origin, SignedIn
from services.accounts.domain.emails import email_sought
from services.accounts.domain.limits import (
    FAILED_LOG_INS_FROM_ADDRESS,
    FAILED_LOG_INS_OF_ACCOUNT,
    Throttle,
    throttle_from,
    throttle_of,
)
from services.accounts.domain.people import User
from services.accounts.domain.sessions import SessionKind, WrongCredentials
from services.accounts.providers import Passwords, Tokens
from services.accounts.settings import SETTINGS
from services.accounts.store import people as store

PASSWORDS: web.AppKey[Passwords] = web.AppKey("passwords")
TOKENS: web.AppKey[Tokens] = web.AppKey("tokens")

log_ins = Counter("log_ins", "Log-ins, by what came of them", ["outcome"])

log = structlog.get_logger("log-ins")


class WrongPassword(RuleViolated):
    """The current password is wrong."""


class BadRefreshToken(WrongCredentials):
    """The refresh token is not valid, or no longer; sign in again."""


async def hash_password(resources: Resources, password: str) -> str:
    return await resources[PASSWORDS].hash(password)


async def log_in(
    resources: Resources, email: str, password: str, origin: Origin
) -> SessionTokensView:
    """Start an app's session, whose tokens are renewed in turn."""
    signed_in = await _start_session(
        resources, email, password, origin, kind=SessionKind.APP
    )
    return _issue(resources, signed_in)


async def log_in_browser(
    resources: Resources,
    email: str,
    password: str,
    origin: Origin,
    *,
    key: str | None,
) -> BrowserSessionView:
    """Start a browser's session, which keeps its one token; with a key, only once."""
    kind = SessionKind.BROWSER
    signed_in = await _start_session(
        resources, email, password, origin, kind=kind, key=key
    )
    return BrowserSessionView(
        session_token=signed_in.token,
        expires_in=int(resources[SETTINGS].lifetimes[kind].total.total_seconds()),
    )


async def refresh(
    resources: Resources, token: str, origin: Origin
) -> SessionTokensView:
    """Renew a session's tokens; a token used before ends its session instead."""
    async with resources[DATABASE].transaction() as tx:
        signed_in = await commands.refresh_session(
            tx,
            token,
            origin,
            keys=resources[TOKENS].refresh_keys,
            lifetime=resources[SETTINGS].lifetimes[SessionKind.APP],
            now=resources[CLOCK].now(),
        )
    if signed_in is None:
        raise BadRefreshToken
    return _issue(resources, signed_in)


async def confirm_password(
    resources: Resources, principal: Principal, password: str, address: str | None
) -> User:
    """Return the caller if the password is theirs; a wrong one counts as a log-in."""
    now = resources[CLOCK].now()
    async with resources[DATABASE].reading() as tx:
        caller = await store.get_caller(tx, principal, now=now)
    throttles = _throttles(resources, caller.email, address)
    user = await _find_by_password(resources, caller.email, password, throttles)
    if user is None:
        raise WrongPassword(field="current_password")
    return user


async def _start_session(
    resources: Resources,
    email: str,
    password: str,
    origin: Origin,
    *,
    kind: SessionKind,
    key: str | None = None,
) -> SignedIn:
    """Start a session; a wrong password and an unknown e-mail look alike."""
    throttles = _throttles(resources, email, origin.address)
    user = await _find_by_password(resources, email, password, throttles)
    if user is None:
        raise WrongCredentials
    newer_hash = await _newer_hash(resources, user, password)
    now = resources[CLOCK].now()
    async with resources[DATABASE].transaction() as tx:
        # Looked at again: the tenth failure may have come while this was hashed.
        await limits.refuse_if_full(tx, *throttles, now=now)
        signed_in = await commands.start_session(
            tx,
            user,
            origin,
            kind=kind,
            lifetime=resources[SETTINGS].lifetimes[kind],
            now=now,
            log_in_token=key and resources[TOKENS].log_in_token(user.id, key),
        )
        if newer_hash:
            await store.replace_password_hash(
                tx, user.id, old=user.password_hash, new=newer_hash
            )
    log_ins.labels("succeeded").inc()
    return signed_in


async def _find_by_password(
    resources: Resources, email: str, password: str, throttles: tuple[Throttle, ...]
) -> User | None:
    """Return whose e-mail and password these are; count the failure if nobody's.

    Each outcome is settled when the failure is counted, so of any number of guesses at
    once only as many as the limit allows learn that they were wrong.
    """
    clock, database = resources[CLOCK], resources[DATABASE]
    async with database.reading() as tx:
        await limits.refuse_if_full(tx, *throttles, now=clock.now())
        user = await store.find_user_by_email(tx, email_sought(email))
    known = user if user and user.active else None
    password_hash = known.password_hash if known else None
    if await resources[PASSWORDS].verify(password_hash, password):
        return known
    async with database.transaction() as tx:
        await limits.admit(tx, *throttles, now=clock.now())
    log_ins.labels("wrong").inc()
    log.info("wrong credentials", user_id=str(user.id) if user else None)
    return None


async def _newer_hash(resources: Resources, user: User, password: str) -> str | None:
    passwords = resources[PASSWORDS]
    if passwords.is_outdated(user.password_hash):
        return await passwords.hash(password)
    return None


def _throttles(
    resources: Resources, email: str, address: str | None
) -> tuple[Throttle, ...]:
    factor = resources[SETTINGS].address_limit_factor
    return (
        throttle_of(FAILED_LOG_INS_OF_ACCOUNT, email_sought(email)),
        throttle_from(FAILED_LOG_INS_FROM_ADDRESS, address, factor),
    )


def _issue(resources: Resources, signed_in: SignedIn) -> SessionTokensView:
    tokens = resources[TOKENS]
    return SessionTokensView(
        access_token=tokens.sign(signed_in.principal, now=resources[CLOCK].now()),
        refresh_token=signed_in.token,
        expires_in=tokens.lifetime_seconds,
    )
