"""People who sign in: for a customer, or as staff."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.db import Record, Transaction, violations_as
from chassis.principal import Principal
from services.accounts.domain.customers import Customer, Language
from services.accounts.domain.people import EmailInUse, Role, User
from services.accounts.domain.sessions import SessionEnded
from services.accounts.store.customers import CUSTOMER_COLUMNS, customer_of

_USER: Final[LiteralString] = """
    SELECT u.id, u.customer_id, u.role, u.permissions, u.name, u.email,
           u.email_verified_at, u.password_hash, u.password_changed_at, u.language,
           u.active, u.version
"""
_USERS: Final[LiteralString] = _USER + "FROM users u "
_USERS_WITH_CUSTOMERS: Final[LiteralString] = (
    _USER
    + ", "
    + CUSTOMER_COLUMNS
    + "FROM users u LEFT JOIN customers c ON c.id = u.customer_id"
)
#: The person with this id, as long as this session of theirs lives at this instant.
_CALLING: Final[LiteralString] = """
    WHERE u.id = $1 AND u.active AND EXISTS (
        SELECT FROM sessions s
        WHERE s.id = $2 AND s.user_id = u.id AND s.ended_at IS NULL
          AND s.expires_at > $3
    )
"""


async def insert_user(tx: Transaction, user: User, *, now: datetime) -> None:
    with violations_as(users_email_key=EmailInUse(field="email")):
        await tx.execute(
            """
            INSERT INTO users (id, customer_id, role, permissions, name, email,
                               email_verified_at, password_hash, password_changed_at,
                               language, active, version, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
            """,
            user.id,
            user.customer_id,
            user.role,
            sorted(user.granted),
            user.name,
            user.email,
            user.email_verified_at,
            user.password_hash,
            user.password_changed_at,
            user.language,
            user.active,
            user.version,
            now,
        )


async def save_user(tx: Transaction, user: User, *, now: datetime) -> None:
    with violations_as(users_email_key=EmailInUse(field="email")):
        await tx.execute(
            """
            UPDATE users
            SET name = $2, email = $3, email_verified_at = $4, password_hash = $5,
                password_changed_at = $6, language = $7, active = $8, version = $9,
                updated_at = $10
            WHERE id = $1
            """,
            user.id,
            user.name,
            user.email,
            user.email_verified_at,
            user.password_hash,
            user.password_changed_at,
            user.language,
            user.active,
            user.version,
            now,
        )


async def replace_password_hash(
    tx: Transaction, user_id: UUID, *, old: str, new: str
) -> None:
    """Keep the same password under newer parameters, unless it was just changed."""
    await tx.execute(
        """
        UPDATE users SET password_hash = $3
        WHERE id = $1 AND password_hash = $2
        """,
        user_id,
        old,
        new,
    )


async def find_user_by_email(tx: Transaction, email: str) -> User | None:
    row = await tx.fetchrow(_USERS + "WHERE email = $1", email)
    return _user(row) if row else None


async def find_user(tx: Transaction, user_id: UUID) -> User | None:
    row = await tx.fetchrow(_USERS + "WHERE id = $1", user_id)
    return _user(row) if row else None


async def lock_user(tx: Transaction, user_id: UUID) -> User | None:
    row = await tx.fetchrow(_USERS + "WHERE id = $1 FOR UPDATE", user_id)
    return _user(row) if row else None


async def get_caller(tx: Transaction, principal: Principal, *, now: datetime) -> User:
    """Return who calls, as long as the session is live: the token may outlast it."""
    row = await tx.fetchrow(
        _USERS + _CALLING, principal.user_id, principal.session_id, now
    )
    if row is None:
        raise SessionEnded
    return _user(row)


async def get_caller_with_customer(
    tx: Transaction, principal: Principal, *, now: datetime
) -> tuple[User, Customer | None]:
    """Return who calls, as `get_caller` does, and the customer they act for."""
    row = await tx.fetchrow(
        _USERS_WITH_CUSTOMERS + _CALLING,
        principal.user_id,
        principal.session_id,
        now,
    )
    if row is None:
        raise SessionEnded
    user = _user(row)
    return user, None if user.customer_id is None else customer_of(row)


async def list_people(
    tx: Transaction, customer_ids: Sequence[UUID]
) -> dict[UUID, list[User]]:
    """Return the people of each customer, in the order in which they came."""
    rows = await tx.fetch(
        _USERS + "WHERE customer_id = ANY($1) AND active ORDER BY customer_id, id",
        customer_ids,
    )
    people: dict[UUID, list[User]] = {customer_id: [] for customer_id in customer_ids}
    for row in rows:
        people[row["customer_id"]].append(_user(row))
    return people


async def list_staff_after(
    tx: Transaction, after: UUID | None, limit: int
) -> list[User]:
    """List all staff by id, a part at a time."""
    rows = await tx.fetch(
        _USERS
        + """
        WHERE role IS NOT NULL AND ($1::uuid IS NULL OR id > $1)
        ORDER BY id LIMIT $2
        """,
        after,
        limit,
    )
    return [_user(row) for row in rows]


def _user(row: Record) -> User:
    return User(
        id=row["id"],
        customer_id=row["customer_id"],
        role=Role(row["role"]) if row["role"] else None,
        granted=frozenset(row["permissions"]),
        name=row["name"],
        email=row["email"],
        email_verified_at=row["email_verified_at"],
        password_hash=row["password_hash"],
        password_changed_at=row["password_changed_at"],
        language=Language(row["language"]),
        active=row["active"],
        version=row["version"],
    )
