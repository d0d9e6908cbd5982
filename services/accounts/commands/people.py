"""People: load and save one together with whom they act for, and announce it."""

from datetime import datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from chassis.ids import uuid7
from chassis.principal import Principal
from contracts.events.accounts import CustomerUpdated, StaffMemberAdded
from services.accounts.commands.events import customer_event, staff_event
from services.accounts.domain.customers import Customer, Language, search_words
from services.accounts.domain.people import Role, User
from services.accounts.domain.sessions import SessionEnded
from services.accounts.store import customers as customer_store
from services.accounts.store import people as store


async def lock_person(
    tx: Transaction, user_id: UUID
) -> tuple[User, Customer | None] | None:
    """Lock a person and, before them, the customer they act for."""
    found = await store.find_user(tx, user_id)
    if found is None:
        return None
    customer = None
    if found.customer_id is not None:
        customer = await customer_store.lock_customer(tx, found.customer_id)
    user = await store.lock_user(tx, user_id)
    return (user, customer) if user else None


async def lock_caller(
    tx: Transaction, principal: Principal, *, now: datetime
) -> tuple[User, Customer | None]:
    """Lock who calls, as long as their session is live."""
    person = await lock_person(tx, principal.user_id)
    await store.get_caller(tx, principal, now=now)
    if person is None:
        raise SessionEnded
    return person


async def announce_customer(
    tx: Transaction, customer: Customer, *, now: datetime
) -> None:
    """Save the customer at its new version and tell everybody its whole state."""
    people = (await store.list_people(tx, [customer.id]))[customer.id]
    words = words_of(customer, people)
    await customer_store.save_customer(tx, customer, words, now=now)
    await tx.emit(customer_event(CustomerUpdated, customer, people))


def words_of(customer: Customer, people: list[User]) -> frozenset[str]:
    """Return the words by which staff find the customer."""
    details = customer.details
    texts = [details.name, details.company, details.tax_id]
    return search_words(*texts, *(text for u in people for text in (u.name, u.email)))


async def add_staff_member(
    tx: Transaction,
    *,
    email: str,
    name: str,
    role: Role,
    language: Language,
    password_hash: str,
    now: datetime,
) -> User:
    """Add somebody to the staff, whose address needs no proof."""
    user = User(
        id=uuid7(),
        customer_id=None,
        role=role,
        granted=frozenset(),
        name=name,
        email=email,
        email_verified_at=now,
        password_hash=password_hash,
        password_changed_at=now,
        language=language,
    )
    await store.insert_user(tx, user, now=now)
    await audit.record(
        tx, "staff_member.added", subject=user.id, details={"role": role}
    )
    await tx.emit(staff_event(StaffMemberAdded, user))
    return user
