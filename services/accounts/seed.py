"""Staff and customers for a new installation; whoever is known is left alone."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from chassis.clock import Clock
from chassis.db import Database
from contracts.api.accounts import Email, Name, Password, RegisterCustomer
from contracts.api.fields import Language
from services.accounts.commands import customers as commands
from services.accounts.commands import people
from services.accounts.domain import customers as domain
from services.accounts.domain.emails import email_sought
from services.accounts.domain.people import Role
from services.accounts.providers import Passwords, open_passwords
from services.accounts.settings import Settings
from services.accounts.store import people as store


class _StaffMember(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Email
    name: Name
    role: Role
    password: Password
    language: Language = "en"


class _Customer(RegisterCustomer):
    #: Given where other processes' seeds name the customer.
    customer_id: Annotated[UUID, Field(strict=False)] | None = None


class _Seed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    staff: list[_StaffMember] = Field(default_factory=list[_StaffMember])
    customers: list[_Customer] = Field(default_factory=list[_Customer])


async def seed(
    db: Database, clock: Clock, settings: Settings, data: dict[str, object]
) -> None:
    """Add who isn't there yet; their e-mails count as verified."""
    wanted = _Seed.model_validate(data)
    async with open_passwords(settings.password_threads) as passwords:
        seeding = _Seeding(db, clock, settings, passwords)
        for member in wanted.staff:
            await seeding.add_staff_member(member)
        for customer in wanted.customers:
            await seeding.add_customer(customer)


class _Seeding:
    def __init__(
        self, db: Database, clock: Clock, settings: Settings, passwords: Passwords
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._passwords = passwords

    async def add_staff_member(self, member: _StaffMember) -> None:
        if await self._is_known(member.email):
            return
        email = commands.checked_email(member.email)
        password_hash = await self._passwords.hash(member.password)
        async with self._db.transaction() as tx:
            await people.add_staff_member(
                tx,
                email=email,
                name=member.name,
                role=member.role,
                language=domain.Language(member.language),
                password_hash=password_hash,
                now=self._clock.now(),
            )

    async def add_customer(self, customer: _Customer) -> None:
        if await self._is_known(customer.email):
            return
        registration = commands.read_registration(customer, self._settings.rules)
        password_hash = await self._passwords.hash(customer.password)
        async with self._db.transaction() as tx:
            await commands.register_customer(
                tx,
                registration,
                password_hash=password_hash,
                now=self._clock.now(),
                customer_id=customer.customer_id,
                verified=True,
            )

    async def _is_known(self, email: str) -> bool:
        async with self._db.reading() as tx:
            return await store.find_user_by_email(tx, email_sought(email)) is not None
