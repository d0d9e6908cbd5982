"""Postgres: transactions and the pools they run in; processes speak it only so."""

from chassis.db.pools import Database, knock, open_database, set_codecs
from chassis.db.transactions import Record, Transaction
from chassis.db.troubles import (
    DatabaseAway,
    DatabaseBusy,
    DatabaseRefuses,
    violations_as,
)

__all__ = [
    "Database",
    "DatabaseAway",
    "DatabaseBusy",
    "DatabaseRefuses",
    "Record",
    "Transaction",
    "knock",
    "open_database",
    "set_codecs",
    "violations_as",
]
