"""Events of accounts: customers, staff members, their links and their sessions."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from chassis.events import Event, event


class Address(BaseModel):
    """A postal address as the customer wrote it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    line1: str
    line2: str | None = None
    city: str
    region: str | None = None
    postal_code: str | None = None


class Contact(BaseModel):
    """A person who may act for the customer and gets the customer's mails."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    user_id: UUID
    name: str
    email: str
    email_verified: bool
    language: str
    permissions: list[str]


class CustomerState(Event):
    """A customer as it is since the change, with everybody who acts for it."""

    customer_id: UUID
    name: str
    company: str | None
    tax_id: str | None
    country: str
    currency: str
    language: str
    time_zone: str
    phone: str | None
    address: Address | None
    contacts: list[Contact]


@event("accounts.customer.registered.v1", subject="customer_id")
class CustomerRegistered(CustomerState):
    """A visitor became a customer."""


@event("accounts.customer.updated.v1", subject="customer_id")
class CustomerUpdated(CustomerState):
    """The customer's details or contacts changed."""


class StaffMemberState(Event):
    """`role`: support, finance or admin."""

    user_id: UUID
    name: str
    email: str
    role: str
    language: str
    active: bool


@event("accounts.staff_member.added.v1", subject="user_id")
class StaffMemberAdded(StaffMemberState):
    """Somebody joined the staff."""


@event("accounts.staff_member.updated.v1", subject="user_id")
class StaffMemberUpdated(StaffMemberState):
    """A staff member's details changed."""


class LinkRequested(Event):
    """A one-time link is wanted; its token derives from request_id, never carried."""

    request_id: UUID
    user_id: UUID
    customer_id: UUID | None
    name: str
    email: str
    language: str
    expires_at: datetime


@event("accounts.email_verification.requested.v1", subject="request_id")
class EmailVerificationRequested(LinkRequested):
    """An address is to be proved by the link that is mailed to it."""


@event("accounts.password_reset.requested.v1", subject="request_id")
class PasswordResetRequested(LinkRequested):
    """Somebody asked for a new password."""


@event("accounts.session.ended.v1", subject="session_id")
class SessionEnded(Event):
    """A session was ended before its time; what it opened is to be forgotten."""

    session_id: UUID
    user_id: UUID
    customer_id: UUID | None
