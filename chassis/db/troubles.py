"""What the server's troubles are to whoever asked it."""

from collections.abc import Generator
from contextlib import contextmanager

import asyncpg

from chassis.errors import DomainError, Unavailable


class DatabaseBusy(Unavailable):
    """The database is too busy right now; try again shortly."""


class DatabaseAway(Unavailable):
    """The database can't be reached right now; try again shortly.

    Nothing was done: whoever can wait may simply try again.
    """


class DatabaseRefuses(RuntimeError):
    """The server is there and won't let us in: a role, password or name is wrong."""


@contextmanager
def violations_as(**errors: DomainError) -> Generator[None]:
    """Raise the named error when the constraint of that name is violated."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as violation:
        error = errors.get(violation.constraint_name or "")
        if error is None:
            raise
        raise error from violation


@contextmanager
def translated(connection: asyncpg.Connection) -> Generator[None]:
    """Turn the server's troubles into Unavailable: the caller may try again."""
    try:
        yield
    except (
        asyncpg.LockNotAvailableError,
        asyncpg.QueryCanceledError,
        asyncpg.DeadlockDetectedError,
        asyncpg.SerializationError,
        # A migration changed what a prepared statement returns; the next try is new.
        asyncpg.InvalidCachedStatementError,
        asyncpg.OutdatedSchemaCacheError,
        TimeoutError,
    ) as busy:
        raise DatabaseBusy from busy
    except (
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.IdleInTransactionSessionTimeoutError,
        ConnectionError,
    ) as away:
        raise away_by(away) from away
    except asyncpg.InternalClientError as lost:
        # What asyncpg says when the server ended the session between statements.
        connection.terminate()
        raise DatabaseAway from lost
    except asyncpg.InterfaceError as fault:
        # The same class tells of a lost connection and of a fault in our code.
        if is_lost(connection):
            raise DatabaseAway from fault
        raise


def away_by(fault: BaseException) -> DatabaseAway:
    """Return what to raise from the server's own fault: a full disk has its name."""
    if isinstance(fault, asyncpg.DiskFullError):
        return DatabaseAway("the database's disk is full")
    return DatabaseAway()


def is_lost(connection: asyncpg.Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool has taken it back already, which it does when one is lost.
        return True
