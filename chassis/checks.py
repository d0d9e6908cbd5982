"""Invariants as checks: queries that find nothing once the system is quiet."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import LiteralString

from chassis.db import Database, Transaction

#: One statement of a check may look at a whole ledger.
STATEMENT_SECONDS = 600
#: A list this long says enough; the rest follows once these are understood.
MAXIMUM_VIOLATIONS = 20


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How many things were looked at, and one line for each that is wrong."""

    checked: int
    violations: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Check:
    """A named claim about one process's data; `run` only reads."""

    name: str
    run: Callable[[Transaction], Awaitable[CheckResult]]
    #: Work in hand breaks it while nobody runs to do that, as right after a restore.
    once_running: bool = False


def claim(
    name: str,
    *,
    count: LiteralString,
    find: LiteralString,
    once_running: bool = False,
) -> Check:
    """Claim that `find`, which selects one text for each violation, finds nothing.

    `count` counts the things it looks at.
    """

    async def run(tx: Transaction) -> CheckResult:
        rows = await tx.fetch(find + " LIMIT $1", MAXIMUM_VIOLATIONS)
        return CheckResult(await tx.fetchval(count), [row[0] for row in rows])

    return Check(name, run, once_running)


async def run_checks(database: Database, checks: Sequence[Check]) -> dict[str, object]:
    """Run all, each in a transaction of its own; return the report."""
    findings: list[dict[str, object]] = []
    for check in checks:
        async with database.reading() as tx:
            result = await check.run(tx)
        findings.append({"name": check.name, **asdict(result)})
    return {
        "agrees": not any(finding["violations"] for finding in findings),
        "checks": findings,
    }
