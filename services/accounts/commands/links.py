"""Mailed links: asking for one, and what following it does."""

from datetime import datetime
from uuid import UUID

from chassis import audit
from chassis.context import acting_as
from chassis.db import Transaction
from chassis.ids import uuid7
from chassis.principal import Principal
from contracts.events.accounts import StaffMemberUpdated
from services.accounts.commands.events import link_event, staff_event
from services.accounts.commands.limits import admit
from services.accounts.commands.people import announce_customer, lock_person
from services.accounts.commands.sessions import end_sessions
from services.accounts.domain import links as domain
from services.accounts.domain import people
from services.accounts.domain.customers import Customer, new_version
from services.accounts.domain.emails import email_sought
from services.accounts.domain.limits import (
    RESETS_OF_ACCOUNT,
    VERIFICATION_MAILS_OF_USER,
    throttle_of,
)
from services.accounts.domain.links import LinkNotValid, LinkRequest, Purpose
from services.accounts.domain.people import User
from services.accounts.domain.sessions import EndReason
from services.accounts.store import limits as limit_store
from services.accounts.store import links as store
from services.accounts.store import people as people_store


async def request_link(
    tx: Transaction, user: User, purpose: Purpose, *, now: datetime
) -> None:
    """Have a link mailed to the user's present address."""
    request = domain.request_link(uuid7(), user, purpose, now=now)
    await store.insert_link_request(tx, request)
    await tx.emit(link_event(request, user))


async def request_verification(
    tx: Transaction, principal: Principal, *, now: datetime
) -> None:
    """Mail the verification link again."""
    user = await people_store.get_caller(tx, principal, now=now)
    if user.email_verified:
        raise domain.EmailVerifiedAlready
    throttle = throttle_of(VERIFICATION_MAILS_OF_USER, str(user.id))
    await admit(tx, throttle, now=now)
    await request_link(tx, user, Purpose.VERIFY_EMAIL, now=now)


async def verify_email(
    tx: Transaction, request_id: UUID | None, *, now: datetime
) -> None:
    """Note that the address is proved; following the link twice changes nothing."""
    request, user, customer = await _lock_link(tx, request_id, Purpose.VERIFY_EMAIL)
    if domain.proved_already(request, user):
        return
    if not domain.proves(request, user, now=now):
        raise LinkNotValid(field="token")
    await store.mark_link_used(tx, request.id, now=now)
    verified = people.verify_email(user, now=now)
    if verified is user:
        return
    await people_store.save_user(tx, verified, now=now)
    await _record(tx, "user.email_verified", user)
    if customer:
        await announce_customer(tx, new_version(customer), now=now)
    else:
        await tx.emit(staff_event(StaffMemberUpdated, verified))


async def request_password_reset(tx: Transaction, email: str, *, now: datetime) -> None:
    """Mail a reset link, if the e-mail is a user's; at most five an hour."""
    sought = email_sought(email)
    user = await people_store.find_user_by_email(tx, sought)
    throttle = throttle_of(RESETS_OF_ACCOUNT, sought)
    wanted = await limit_store.try_attempt(tx, throttle, now=now)
    if wanted and user and user.active:
        await _record(tx, "user.password_reset_requested", user)
        await request_link(tx, user, Purpose.RESET_PASSWORD, now=now)


async def check_reset_link(
    tx: Transaction, request_id: UUID | None, *, now: datetime
) -> None:
    """Raise LinkNotValid for a link that can't succeed, before any costly work."""
    request = await _find_link(tx, request_id, Purpose.RESET_PASSWORD)
    user = await people_store.find_user(tx, request.user_id)
    if user is None or not domain.proves(request, user, now=now):
        raise LinkNotValid(field="token")


async def reset_password(
    tx: Transaction, request_id: UUID | None, *, password_hash: str, now: datetime
) -> None:
    """Set a new password, end every session and every other reset link."""
    request, user, _ = await _lock_link(tx, request_id, Purpose.RESET_PASSWORD)
    if not domain.proves(request, user, now=now):
        raise LinkNotValid(field="token")
    await store.mark_link_used(tx, request.id, now=now)
    await store.withdraw_links(tx, user.id, Purpose.RESET_PASSWORD, now=now)
    changed = people.set_password(user, password_hash, now=now)
    await people_store.save_user(tx, changed, now=now)
    await end_sessions(tx, user, reason=EndReason.PASSWORD_RESET, now=now)
    await _record(tx, "user.password_reset", user)


async def _lock_link(
    tx: Transaction, request_id: UUID | None, purpose: Purpose
) -> tuple[LinkRequest, User, Customer | None]:
    """Lock the request after whom it is for: customer, user, request, in this order."""
    found = await _find_link(tx, request_id, purpose)
    person = await lock_person(tx, found.user_id)
    request = await store.lock_link_request(tx, found.id, purpose)
    if person is None or request is None:
        raise LinkNotValid(field="token")
    user, customer = person
    # Whoever holds the link reads the user's mail, and acts as them.
    acting_as(user.actor)
    return request, user, customer


async def _find_link(
    tx: Transaction, request_id: UUID | None, purpose: Purpose
) -> LinkRequest:
    found = request_id and await store.find_link_request(tx, request_id, purpose)
    if not found:
        raise LinkNotValid(field="token")
    return found


async def _record(tx: Transaction, action: str, user: User) -> None:
    await audit.record(tx, action, subject=user.id, customer_id=user.customer_id)
