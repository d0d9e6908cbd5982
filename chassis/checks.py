"""Invariants as checks: queries that find nothing once the system is quiet."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field

from chassis.db import Database, Transaction


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
