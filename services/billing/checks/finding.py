"""Checks made of two queries: how many things were looked at, and which are wrong."""

from typing import Final, LiteralString

from chassis.checks import Check, CheckResult
from chassis.db import Transaction

#: A list this long says enough; the rest follows once these are understood.
MAXIMUM_VIOLATIONS = 20
_CAPPED: Final[LiteralString] = " LIMIT 20"


def check(name: str, *, count: LiteralString, find: LiteralString) -> Check:
    """Claim that `find`, which selects one text for each violation, finds nothing."""

    async def run(tx: Transaction) -> CheckResult:
        checked: int = await tx.fetchval(count)
        rows = await tx.fetch(find + _CAPPED)
        return CheckResult(checked, [row[0] for row in rows])

    return Check(name, run)
