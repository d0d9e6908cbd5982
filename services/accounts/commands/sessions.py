"""Sessions: start one, go on with it, end it; and a new password for the signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis import audit
from chassis.context import acting_as
from chassis.db import Transaction
from chassis.ids import uuid7
from chassis.principal import Principal
from services.accounts.commands.events import session_ended
from services.accounts.commands.people import lock_caller
from services.accounts.domain import people
from services.accounts.domain import sessions as domain
from services.accounts.domain.customers import Customer
from services.accounts.domain.links import Purpose
from services.accounts.domain.people import User
from services.accounts.domain.sessions import (
    EndReason,
    Lifetime,
    PasswordJustChanged,
    RefreshToken,
    Session,
    SessionKind,
    SessionNotValid,
    Verdict,
    WrongCredentials,
)
from services.accounts.store import customers as customer_store
from services.accounts.store import links as link_store
from services.accounts.store import people as people_store
from services.accounts.store import sessions as store


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a session is used from."""

    device: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with a live session, and the token to go on with it."""

    principal: Principal
    token: str


@dataclass(frozen=True, slots=True)
class InUse:
    """A browser's live session, and whose it is."""

    session: Session
    user: User
    customer: Customer | None

    @property
    def principal(self) -> Principal:
        return _principal(self.user, self.customer, self.session)


async def start_session(
    tx: Transaction,
    proved: User,
    origin: Origin,
    *,
    kind: SessionKind,
    lifetime: Lifetime,
    now: datetime,
    log_in_token: str | None = None,
) -> SignedIn:
    """Start a session for somebody whose password was just checked.

    `log_in_token` is the browser's token that follows from its log-in: a repeat of the
    log-in goes on with the session that the first has just begun.
    """
    user = await people_store.lock_user(tx, proved.id)
    if user is None or not user.active or user.password_hash != proved.password_hash:
        # The password was changed while the old one was being checked.
        raise WrongCredentials
    acting_as(user.actor)
    begun = log_in_token and await _find_browser_session(tx, log_in_token)
    if log_in_token and begun and domain.is_just_begun(begun, now=now):
        customer = await _find_customer(tx, user)
        return SignedIn(_principal(user, customer, begun), log_in_token)
    token = domain.new_token() if begun or not log_in_token else log_in_token
    in_browser = kind is SessionKind.BROWSER
    session = domain.start_session(
        uuid7(),
        user.id,
        device=origin.device,
        address=origin.address,
        lifetime=lifetime,
        now=now,
        token_hash=domain.token_hash(token) if in_browser else None,
    )
    await store.insert_session(tx, session)
    if not in_browser:
        await _insert_token(tx, session, token, now=now)
    await _record(tx, "session.started", user, session.id)
    customer = await _find_customer(tx, user)
    return SignedIn(_principal(user, customer, session), token)


async def use_browser_session(
    tx: Transaction,
    token: str,
    origin: Origin,
    *,
    lifetime: Lifetime,
    is_use: bool,
    now: datetime,
) -> InUse:
    """Return the session that the token opens, and note once a minute that it's used.

    Unknown, expired and ended ones are refused alike.
    """
    session = await _find_browser_session(tx, token)
    user = session and await people_store.find_user(tx, session.user_id)
    if not session or not session.is_live(now) or not user or not user.active:
        raise SessionNotValid
    acting_as(user.actor)
    if is_use and not session.is_use_noted(now):
        session = domain.use_session(
            session,
            device=origin.device,
            address=origin.address,
            lifetime=lifetime,
            now=now,
        )
        await store.save_session_use(tx, session)
    return InUse(session, user, await _find_customer(tx, user))


async def refresh_session(
    tx: Transaction,
    token: str,
    origin: Origin,
    *,
    keys: Sequence[bytes],
    lifetime: Lifetime,
    now: datetime,
) -> SignedIn | None:
    """Renew the session's tokens; None if that token can't, or no longer.

    The next token descends by the first of the keys; another process, which is told of
    a change of keys sooner or later, may have used another of them.
    Returns rather than raises, because the end of a misused family must be committed.
    """
    family = await store.lock_family(tx, domain.token_hash(token))
    user = family and await people_store.find_user(tx, family.session.user_id)
    if family is None or user is None or not user.active:
        return None
    child = domain.child_token(keys[0], token)
    match domain.judge_refresh(family.session, family.token, now=now):
        case Verdict.ROTATE:
            used = domain.use_session(
                family.session,
                device=origin.device,
                address=origin.address,
                lifetime=lifetime,
                now=now,
            )
            await store.mark_token_used(tx, family.token.hash, now=now)
            await _insert_token(tx, used, child, now=now)
            await store.save_session_use(tx, used)
        case Verdict.REPEAT:
            children = [domain.child_token(key, token) for key in keys]
            child = await _known(tx, children) or child
        case Verdict.REUSED:
            await _end_family(tx, user, family.session, now=now)
            return None
        case Verdict.REFUSE:
            return None
    customer = await _find_customer(tx, user)
    return SignedIn(_principal(user, customer, family.session), child)


async def end_session(
    tx: Transaction, principal: Principal, session_id: UUID, *, now: datetime
) -> None:
    """End one of the caller's own sessions."""
    user = await people_store.get_caller(tx, principal, now=now)
    current = session_id == principal.session_id
    reason = EndReason.LOGGED_OUT if current else EndReason.ENDED_BY_USER
    await store.end_session(tx, principal, session_id, reason=reason, now=now)
    await tx.emit(session_ended(user, session_id))
    await _record(tx, "session.ended", user, session_id)


async def end_sessions(
    tx: Transaction,
    user: User,
    *,
    reason: EndReason,
    now: datetime,
    spare: UUID | None = None,
) -> None:
    """End every session of the user but one."""
    ended = await store.end_sessions(tx, user.id, reason=reason, now=now, spare=spare)
    await tx.emit_many([session_ended(user, session_id) for session_id in ended])


async def change_password(
    tx: Transaction,
    principal: Principal,
    proved: User,
    *,
    password_hash: str,
    now: datetime,
) -> None:
    """Set a new password; every other session, and every reset link, ends."""
    user, _ = await lock_caller(tx, principal, now=now)
    if user.password_hash != proved.password_hash:
        raise PasswordJustChanged
    changed = people.set_password(user, password_hash, now=now)
    await people_store.save_user(tx, changed, now=now)
    await link_store.withdraw_links(tx, user.id, Purpose.RESET_PASSWORD, now=now)
    await end_sessions(
        tx,
        user,
        reason=EndReason.PASSWORD_CHANGED,
        now=now,
        spare=principal.session_id,
    )
    await audit.record(
        tx, "user.password_changed", subject=user.id, customer_id=user.customer_id
    )


async def _find_browser_session(tx: Transaction, token: str) -> Session | None:
    return await store.find_browser_session(tx, domain.token_hash(token))


async def _known(tx: Transaction, tokens: Sequence[str]) -> str | None:
    """Return the one of these refresh tokens that was issued."""
    hashes = {domain.token_hash(token): token for token in tokens}
    known = await store.find_refresh_token(tx, list(hashes))
    return hashes[known.hash] if known else None


async def _insert_token(
    tx: Transaction, session: Session, token: str, *, now: datetime
) -> None:
    kept = RefreshToken(domain.token_hash(token), session.id)
    await store.insert_refresh_token(tx, kept, now=now)


async def _end_family(
    tx: Transaction, user: User, session: Session, *, now: datetime
) -> None:
    """End a session whose token came back: somebody else may hold a copy."""
    await store.end_family(tx, session.id, reason=EndReason.TOKEN_REUSED, now=now)
    await tx.emit(session_ended(user, session.id))
    await _record(tx, "session.token_reused", user, session.id)


async def _find_customer(tx: Transaction, user: User) -> Customer | None:
    """Return whom the user acts for; nobody, if they are staff."""
    if user.customer_id is None:
        return None
    return (await customer_store.get_customer(tx, user.customer_id)).customer


def _principal(user: User, customer: Customer | None, session: Session) -> Principal:
    """Return what an access token of this session says."""
    details = customer and customer.details
    return Principal(
        kind="staff" if user.role else "customer",
        user_id=user.id,
        customer_id=user.customer_id,
        session_id=session.id,
        permissions=user.permissions,
        locale=user.language,
        currency=details and details.currency,
        country=details and details.country,
    )


async def _record(tx: Transaction, action: str, user: User, session_id: UUID) -> None:
    await audit.record(tx, action, subject=session_id, customer_id=user.customer_id)
