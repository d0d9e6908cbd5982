"""Accounts' events, made from its objects: whole states, and never a secret."""

from collections.abc import Iterable, Mapping
from typing import TypeVar
from uuid import UUID

from contracts.events import accounts as events
from services.accounts.domain.customers import Address, Customer
from services.accounts.domain.links import LinkRequest, Purpose
from services.accounts.domain.people import User

C_ = TypeVar("C_", bound=events.CustomerState)
S_ = TypeVar("S_", bound=events.StaffMemberState)

_LINK_EVENTS: Mapping[Purpose, type[events.LinkRequested]] = {
    Purpose.VERIFY_EMAIL: events.EmailVerificationRequested,
    Purpose.RESET_PASSWORD: events.PasswordResetRequested,
}


def customer_event(event: type[C_], customer: Customer, people: Iterable[User]) -> C_:
    """Return the event with the customer's whole state and everybody's contact."""
    details = customer.details
    return event(
        version=customer.version,
        customer_id=customer.id,
        name=details.name,
        company=details.company,
        tax_id=details.tax_id,
        country=details.country,
        currency=details.currency,
        language=details.language,
        time_zone=details.time_zone,
        phone=details.phone,
        address=_address(details.address),
        contacts=[_contact(user) for user in people],
    )


def staff_event(event: type[S_], user: User) -> S_:
    """Return the event with the staff member's whole state."""
    return event(
        version=user.version,
        user_id=user.id,
        name=user.name,
        email=user.email,
        role=str(user.role),
        language=user.language,
        active=user.active,
    )


def link_event(request: LinkRequest, user: User) -> events.LinkRequested:
    """Return the event upon which notifier mails the link."""
    return _LINK_EVENTS[request.purpose](
        version=1,
        request_id=request.id,
        user_id=user.id,
        customer_id=user.customer_id,
        name=user.name,
        email=request.email,
        language=user.language,
        expires_at=request.expires_at,
    )


def session_ended(user: User, session_id: UUID) -> events.SessionEnded:
    return events.SessionEnded(
        # A session ends once, and nothing else is told of it.
        version=1,
        session_id=session_id,
        user_id=user.id,
        customer_id=user.customer_id,
    )


def _address(address: Address | None) -> events.Address | None:
    if address is None:
        return None
    return events.Address(
        line1=address.line1,
        line2=address.line2,
        city=address.city,
        region=address.region,
        postal_code=address.postal_code,
    )


def _contact(user: User) -> events.Contact:
    return events.Contact(
        user_id=user.id,
        name=user.name,
        email=user.email,
        email_verified=user.email_verified,
        language=user.language,
        permissions=sorted(user.permissions),
    )
