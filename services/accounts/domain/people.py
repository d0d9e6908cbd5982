"""People who sign in: those who act for a customer, and staff with a role."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.errors import Conflict, FieldError
from services.accounts.domain.customers import Change, Language
from services.accounts.domain.emails import same_email

#: What a person may do for their customer; who registers may do everything.
CUSTOMER_PERMISSIONS = frozenset(("account", "services", "billing", "tickets"))

MAXIMUM_PASSWORD_LENGTH = 200


class EmailInUse(Conflict):
    """The e-mail is in use already."""


class Role(StrEnum):
    SUPPORT = "support"
    FINANCE = "finance"
    ADMIN = "admin"


_SUPPORT = frozenset(
    (
        "customers.read",
        "invoices.read",
        "services.read",
        "orders.read",
        "tickets.read",
        "tickets.answer",
    )
)
_FINANCE = _SUPPORT | {
    "invoices.write",
    "payments.read",
    "payments.confirm",
    "billing.run",
    "ledger.audit",
}
_ADMIN = _FINANCE | {"news.write", "clock.move", "operations"}

ROLE_PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.SUPPORT: _SUPPORT,
    Role.FINANCE: _FINANCE,
    Role.ADMIN: _ADMIN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person with a login: `customer_id` or `role` is set, never both."""

    id: UUID
    customer_id: UUID | None
    role: Role | None
    #: What they may do for their customer; staff have their role's instead.
    granted: frozenset[str]
    name: str
    email: str
    email_verified_at: datetime | None
    password_hash: str
    password_changed_at: datetime
    language: Language
    active: bool = True
    version: int = 1

    @property
    def actor(self) -> str:
        """How records name them."""
        return f"{'staff' if self.role else 'customer'}:{self.id}"

    @property
    def permissions(self) -> frozenset[str]:
        return ROLE_PERMISSIONS[self.role] if self.role else self.granted

    @property
    def email_verified(self) -> bool:
        return self.email_verified_at is not None


def rename(user: User, *, name: str, language: Language) -> User:
    return _changed(user, replace(user, name=name, language=language))


def change_email(user: User, email: str) -> User:
    """Return the user with the new address, which starts unproved."""
    kept = user.email_verified_at if same_email(user.email, email) else None
    return _changed(user, replace(user, email=email, email_verified_at=kept))


def verify_email(user: User, *, now: datetime) -> User:
    if user.email_verified:
        return user
    return _changed(user, replace(user, email_verified_at=now))


def set_password(user: User, password_hash: str, *, now: datetime) -> User:
    # Of no other process's concern, so the version that events carry stays.
    return replace(user, password_hash=password_hash, password_changed_at=now)


def changes_between(before: User, after: User) -> Mapping[str, Change]:
    """Return how the person's own contact information differs."""
    pairs = {
        "name": Change(before.name, after.name),
        "language": Change(before.language, after.language),
        "email": Change(before.email, after.email),
    }
    return {name: pair for name, pair in pairs.items() if pair.before != pair.after}


def password_faults(
    password: str, *, minimum: int, field: str = "password"
) -> list[FieldError]:
    if len(password) < minimum:
        return [
            FieldError(
                field, "must have at least {min_length} characters", min_length=minimum
            )
        ]
    if len(password) > MAXIMUM_PASSWORD_LENGTH:
        maximum = MAXIMUM_PASSWORD_LENGTH
        return [
            FieldError(
                field, "must have at most {max_length} characters", max_length=maximum
            )
        ]
    return []


def _changed(user: User, new: User) -> User:
    return user if new == user else replace(new, version=user.version + 1)
