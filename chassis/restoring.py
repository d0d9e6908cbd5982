"""The mark on a schema that is being restored: nobody works with half a restore.

It is the schema's comment: that outlives whatever the schema holds, goes with it when
it is renamed, and commits together with what it speaks of.
"""

import re
from dataclasses import dataclass
from typing import LiteralString

import asyncpg

from chassis.db import Transaction

#: What was there before, where that is still in its place, or where there was nothing.
IN_PLACE = "this"
NOTHING = "nothing"

_FIND: LiteralString = """
    SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1
"""
_FORM = re.compile(
    r"unfinished restore, begun (?P<begun_at>\S+); before it: (?P<before>\S+);"
    r"(?P<loaded> all of it is loaded;)? again: (?P<command>.+)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """One restore that hasn't ended, as a schema tells of it."""

    #: An instant, in ISO 8601.
    begun_at: str
    #: The schema that holds what was there before, or IN_PLACE, or NOTHING.
    before: str
    #: What does the same restore again.
    command: str
    #: Whether nothing remains to be done, in any schema, but to take the marks away.
    loaded: bool = False

    def __str__(self) -> str:
        loaded = " all of it is loaded;" if self.loaded else ""
        return (
            f"unfinished restore, begun {self.begun_at}; before it: {self.before};"
            f"{loaded} again: {self.command}"
        )

    def is_of(self, other: "Mark") -> bool:
        """Tell whether both are of the same restore."""
        return (self.begun_at, self.command) == (other.begun_at, other.command)

    @property
    def advice(self) -> str:
        return (
            f"a restore that began at {self.begun_at} hasn't ended; if it was cut off,"
            f" run it again, and it goes on from there: {self.command}"
        )


async def find_mark(
    connection: asyncpg.Connection | Transaction, schema: str
) -> Mark | None:
    """Return the schema's mark, if a restore into it has begun and not ended."""
    comment: str | None = await connection.fetchval(_FIND, schema)
    found = _FORM.fullmatch(comment or "")
    if found is None:
        return None
    begun_at, before, loaded, command = found.groups()
    return Mark(begun_at, before, command, loaded=loaded is not None)
