"""Customers: registration, and changes of their contact information."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from chassis.errors import FieldError, NotAllowed, RuleViolated
from chassis.ids import uuid7
from chassis.principal import Principal
from contracts.api.accounts import ChangeMe, PostalAddress, RegisterCustomer
from contracts.events.accounts import CustomerRegistered
from services.accounts.commands.events import customer_event
from services.accounts.commands.limits import admit
from services.accounts.commands.links import request_link
from services.accounts.commands.people import announce_customer, lock_caller, words_of
from services.accounts.domain import customers as domain
from services.accounts.domain import people
from services.accounts.domain.customers import (
    Address,
    Customer,
    Details,
    Language,
    Rules,
)
from services.accounts.domain.emails import read_email
from services.accounts.domain.limits import VERIFICATION_MAILS_OF_USER, throttle_of
from services.accounts.domain.links import Purpose
from services.accounts.domain.people import CUSTOMER_PERMISSIONS, User
from services.accounts.store import customers as store
from services.accounts.store import people as people_store

_NOT_AN_EMAIL = FieldError("email", "must be an e-mail address")


class PasswordNeeded(RuleViolated):
    """Changing the e-mail needs the current password."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration that breaks no rule."""

    email: str
    details: Details


def read_registration(body: RegisterCustomer, rules: Rules) -> Registration:
    """Fill in what wasn't given; raise InvalidDetails naming every fault."""
    details = Details(
        name=body.name,
        company=body.company,
        tax_id=body.tax_id,
        country=body.country,
        currency=body.currency,
        language=Language(body.language or domain.default_language(body.country)),
        time_zone=body.time_zone or rules.default_time_zone,
        phone=body.phone,
        address=_address(body.address),
    )
    minimum = rules.minimum_password_length
    domain.refuse(
        (
            *((_NOT_AN_EMAIL,) if read_email(body.email) is None else ()),
            *people.password_faults(body.password, minimum=minimum),
            *domain.detail_faults(details, rules),
        )
    )
    return Registration(checked_email(body.email), details)


async def register_customer(
    tx: Transaction,
    registration: Registration,
    *,
    password_hash: str,
    now: datetime,
    customer_id: UUID | None = None,
    verified: bool = False,
) -> tuple[Customer, User]:
    """Make the customer and its first person, who may do everything for it."""
    customer = Customer(
        id=customer_id or uuid7(), details=registration.details, version=1
    )
    user = _first_person(customer, registration.email, password_hash, now=now)
    if verified:
        user = replace(user, email_verified_at=now)
    await store.insert_customer(tx, customer, words_of(customer, [user]), now=now)
    await people_store.insert_user(tx, user, now=now)
    await audit.record(
        tx, "customer.registered", subject=customer.id, customer_id=customer.id
    )
    await tx.emit(customer_event(CustomerRegistered, customer, [user]))
    if not verified:
        await request_link(tx, user, Purpose.VERIFY_EMAIL, now=now)
    return customer, user


async def change_contact_information(
    tx: Transaction,
    principal: Principal,
    body: ChangeMe,
    *,
    proved: User | None,
    rules: Rules,
    now: datetime,
) -> None:
    """Change what the body names, of the customer and of the person who asks.

    `proved` is the caller as they were when they gave their password, if they did.
    """
    caller, customer = await lock_caller(tx, principal, now=now)
    if customer is None:
        raise NotAllowed
    everybody = (await people_store.list_people(tx, [customer.id]))[customer.id]
    details = _details_after(customer.details, body)
    if len(everybody) > 1:
        # Of many people none gives the customer its name; they only change their own.
        kept = customer.details
        details = replace(details, name=kept.name, language=kept.language)
    changed = domain.change_details(customer, details, rules)
    person = _person_after(caller, body)
    if changed is customer and person is caller:
        return
    if changed is customer:
        changed = domain.new_version(customer)
    await people_store.save_user(tx, person, now=now)
    if person.email != caller.email:
        await _prove_email(tx, person, caller, proved, now=now)
    await _record_changes(tx, customer, changed, caller, person)
    await announce_customer(tx, changed, now=now)


async def _prove_email(
    tx: Transaction, person: User, caller: User, proved: User | None, *, now: datetime
) -> None:
    """Have the new address proved; only the password's owner may set one."""
    if proved is None or proved.password_hash != caller.password_hash:
        raise PasswordNeeded(field="current_password")
    if not person.email_verified:
        throttle = throttle_of(VERIFICATION_MAILS_OF_USER, str(person.id))
        await admit(tx, throttle, now=now)
        await request_link(tx, person, Purpose.VERIFY_EMAIL, now=now)


def checked_email(text: str) -> str:
    """Return the address as it is kept, or raise InvalidDetails."""
    email = read_email(text)
    if email is None:
        raise domain.InvalidDetails("must be an e-mail address", field="email")
    return email


def _first_person(
    customer: Customer, email: str, password_hash: str, *, now: datetime
) -> User:
    return User(
        id=uuid7(),
        customer_id=customer.id,
        role=None,
        granted=CUSTOMER_PERMISSIONS,
        name=customer.details.name,
        email=email,
        email_verified_at=None,
        password_hash=password_hash,
        password_changed_at=now,
        language=customer.details.language,
    )


def _details_after(details: Details, body: ChangeMe) -> Details:
    named = body.model_fields_set - {"email", "current_password"}
    values = {name: getattr(body, name) for name in named}
    if "address" in values:
        values["address"] = _address(body.address)
    if body.language is not None:
        values["language"] = Language(body.language)
    return replace(details, **values)


def _person_after(caller: User, body: ChangeMe) -> User:
    name = body.name or caller.name
    language = Language(body.language or caller.language)
    person = people.rename(caller, name=name, language=language)
    if body.email is None:
        return person
    return people.change_email(person, checked_email(body.email))


async def _record_changes(
    tx: Transaction, before: Customer, after: Customer, caller: User, person: User
) -> None:
    changes = {
        **people.changes_between(caller, person),
        **domain.changes_between(before.details, after.details),
    }
    details = {
        name: {"before": change.before, "after": change.after}
        for name, change in changes.items()
    }
    await audit.record(
        tx, "customer.changed", subject=after.id, customer_id=after.id, details=details
    )


def _address(given: PostalAddress | None) -> Address | None:
    if given is None:
        return None
    return Address(
        line1=given.line1,
        line2=given.line2,
        city=given.city,
        region=given.region,
        postal_code=given.postal_code,
    )
