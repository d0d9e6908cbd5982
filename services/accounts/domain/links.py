"""Requests answered by a mailed link: what they are for, and while they count."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.errors import Conflict, RuleViolated
from services.accounts.domain.emails import same_email
from services.accounts.domain.people import User


class LinkNotValid(RuleViolated):
    """The link is not valid, or no longer."""


class EmailVerifiedAlready(Conflict):
    """The e-mail has been verified already."""


class Purpose(StrEnum):
    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, not a password


LINK_LIFETIME: Mapping[Purpose, timedelta] = {
    Purpose.VERIFY_EMAIL: timedelta(days=3),
    Purpose.RESET_PASSWORD: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """Somebody asked for a link to be mailed; whoever follows it proves `email`."""

    id: UUID
    user_id: UUID
    purpose: Purpose
    email: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


def request_link(
    request_id: UUID, user: User, purpose: Purpose, *, now: datetime
) -> LinkRequest:
    return LinkRequest(
        id=request_id,
        user_id=user.id,
        purpose=purpose,
        email=user.email,
        created_at=now,
        expires_at=now + LINK_LIFETIME[purpose],
    )


def proves(request: LinkRequest, user: User, *, now: datetime) -> bool:
    """Whether the unused link still speaks for the user's present address."""
    return (
        user.active
        and request.used_at is None
        and now < request.expires_at
        and same_email(request.email, user.email)
    )


def proved_already(request: LinkRequest, user: User) -> bool:
    """Whether this link did its work before: people click twice."""
    return (
        request.used_at is not None
        and user.email_verified
        and same_email(request.email, user.email)
    )
