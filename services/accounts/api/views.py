"""What clients see of accounts' objects."""

from collections.abc import Sequence
from typing import cast

from contracts.api.accounts import (
    AddressView,
    AuditEntryView,
    CustomerView,
    MeView,
    Permission,
    PersonView,
    SessionView,
)
from services.accounts.domain.customers import Address, Customer
from services.accounts.domain.people import User
from services.accounts.domain.sessions import Session
from services.accounts.store.audit import AuditEntry
from services.accounts.store.customers import StoredCustomer


def view_customer(stored: StoredCustomer, people: Sequence[User]) -> CustomerView:
    customer, details = stored.customer, stored.customer.details
    return CustomerView(
        id=customer.id,
        name=details.name,
        email=people[0].email if people else None,
        company=details.company,
        tax_id=details.tax_id,
        country=details.country,
        currency=details.currency,
        language=details.language.value,
        time_zone=details.time_zone,
        phone=details.phone,
        address=_view_address(details.address),
        version=customer.version,
        created_at=stored.created_at,
        people=[_view_person(user) for user in people],
    )


def view_me(user: User, customer: Customer | None) -> MeView:
    details = customer.details if customer else None
    return MeView(
        id=user.id,
        kind="customer" if details else "staff",
        name=user.name,
        email=user.email,
        email_verified=user.email_verified,
        language=user.language.value,
        role=user.role.value if user.role else None,
        permissions=sorted(user.permissions),
        customer_id=user.customer_id,
        company=details and details.company,
        tax_id=details and details.tax_id,
        country=details and details.country,
        currency=details and details.currency,
        time_zone=details and details.time_zone,
        phone=details and details.phone,
        address=_view_address(details.address) if details else None,
    )


def view_session(session: Session, *, current: bool) -> SessionView:
    return SessionView(
        id=session.id,
        kind=session.kind.value,
        device=session.device,
        address=session.address,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        current=current,
    )


def view_audit_entry(entry: AuditEntry, *, to_staff: bool) -> AuditEntryView:
    by_customer = entry.actor.startswith("customer:")
    return AuditEntryView(
        id=entry.id,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        details=entry.details,
        # Where the company's own people sit is not the customer's concern.
        address=entry.address if by_customer or to_staff else None,
    )


def _view_person(user: User) -> PersonView:
    return PersonView(
        id=user.id,
        name=user.name,
        email=user.email,
        email_verified=user.email_verified,
        language=user.language.value,
        permissions=cast("list[Permission]", sorted(user.permissions)),
    )


def _view_address(address: Address | None) -> AddressView | None:
    if address is None:
        return None
    return AddressView(
        line1=address.line1,
        line2=address.line2,
        city=address.city,
        region=address.region,
        postal_code=address.postal_code,
    )
