"""The operators' `audit`: proves that money and messages agree, across all services.

Each service's own checks run in its schema; what takes two services to see, such as a
lost event, is compared here, in a process of its own, as the read-only role `auditor`.

`python -m deploy.audit [SECONDS]` waits up to SECONDS (30) for the system to come to
rest, prints each check, and exits with 1 if one finds anything.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from chassis.addresses import POSTGRES, checked
from chassis.checks import STATEMENT_SECONDS, Check, CheckResult
from chassis.commandline import tell_whatever_it_is
from chassis.db import Database, open_database
from chassis.restoring import find_mark
from deploy.crosschecks import cross_checks
from deploy.operate.bounds import seconds
from deploy.operate.faults import FAULTS, said_of
from deploy.processes import SERVICES

WAIT_SECONDS = 30
POLL_SECONDS = 0.25
#: More of one kind says nothing new.
SHOWN_VIOLATIONS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw."""

    service: str
    name: str
    checked: int
    violations: tuple[str, ...]
    #: Work that nobody has gone on with yet may be all that it sees.
    once_running: bool = False

    @property
    def agrees(self) -> bool:
        return not self.violations


async def audit(urls: Mapping[str, str], *, wait_seconds: float) -> list[Finding]:
    """Run every check; `urls` are the services' databases, as the auditor."""
    async with opened(urls) as databases:
        if unfinished := await _unfinished(databases):
            return unfinished
        return [
            *await _across(databases, wait_seconds),
            *await _each(databases),
        ]


async def check_services(urls: Mapping[str, str]) -> list[Finding]:
    """Run the own checks of the services named, which need not be at rest."""
    async with opened(urls) as databases:
        return await _each(databases)


@asynccontextmanager
async def opened(urls: Mapping[str, str]) -> AsyncGenerator[dict[str, Database]]:
    """Yield these databases for statements that may look at all they hold."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(
                open_database(
                    url,
                    schema=name,
                    pool_size=2,
                    statement_seconds=STATEMENT_SECONDS,
                )
            )
            for name, url in urls.items()
        }


async def _unfinished(databases: Mapping[str, Database]) -> list[Finding]:
    """Return what to do about half a restore, of which nothing can be proved."""
    found: dict[str, list[str]] = {}
    for name, database in databases.items():
        async with database.reading() as tx:
            if mark := await find_mark(tx, name):
                found.setdefault(mark.advice, []).append(name)
    lines = tuple(f"{', '.join(names)}: {advice}" for advice, names in found.items())
    what = "no restore is unfinished"
    return [Finding("all", what, len(databases), lines)] if lines else []


async def _across(
    databases: Mapping[str, Database], wait_seconds: float
) -> list[Finding]:
    """Compare the services once they are at rest, or as they are when time is up."""
    deadline = asyncio.get_running_loop().time() + wait_seconds
    while True:
        found = [
            Finding("all", name, result.checked, tuple(result.violations))
            for name, result in (await cross_checks(databases)).items()
        ]
        at_rest = all(finding.agrees for finding in found)
        if at_rest or asyncio.get_running_loop().time() >= deadline:
            return found
        await asyncio.sleep(POLL_SECONDS)


async def _each(databases: Mapping[str, Database]) -> list[Finding]:
    return [
        await _run(databases[process.name], process.name, check)
        for process in SERVICES
        if process.name in databases
        for check in process.checks
    ]


async def _run(database: Database, service: str, check: Check) -> Finding:
    async with database.reading() as tx:
        result: CheckResult = await check.run(tx)
    return Finding(
        service,
        check.name,
        result.checked,
        tuple(result.violations),
        check.once_running,
    )


def report(findings: Sequence[Finding]) -> str:
    """Return one line for each check, and one for each thing that is wrong."""
    lines: list[str] = []
    for finding in findings:
        mark = "agrees" if finding.agrees else "DISAGREES"
        lines.append(
            f"{mark:9}  {finding.service:9} {finding.name} ({finding.checked} checked)"
        )
        lines += [
            f"           {line}" for line in finding.violations[:SHOWN_VIOLATIONS]
        ]
    wrong = sum(not finding.agrees for finding in findings)
    lines.append("all agree" if not wrong else f"{wrong} of {len(findings)} disagree")
    return "\n".join(lines)


def urls_from_environment() -> dict[str, str]:
    """Read `ACCOUNTS_AUDIT_URL` and its kin; one `AUDIT_URL` serves all alike."""
    urls: dict[str, str] = {}
    missing: list[str] = []
    for process in SERVICES:
        own = f"{process.name.upper()}_AUDIT_URL"
        variable = own if os.environ.get(own) else "AUDIT_URL"
        try:
            urls[process.name] = checked(os.environ.get(variable, ""), *POSTGRES)
        except ValueError as wrong:
            sys.exit(f"{variable} {wrong}")
        if not urls[process.name]:
            missing.append(own)
    if missing:
        sys.exit(f"set AUDIT_URL, or each of {', '.join(missing)}")
    return urls


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.audit", description="prove that money and messages agree"
    )
    parser.add_argument(
        "seconds",
        nargs="?",
        type=seconds,
        default=WAIT_SECONDS,
        help="how long to wait for the system to come to rest",
    )
    told = parser.parse_args()
    tell_whatever_it_is()
    urls = urls_from_environment()
    try:
        findings = asyncio.run(audit(urls, wait_seconds=told.seconds))
    except FAULTS as fault:
        sys.exit(said_of(fault))
    except KeyboardInterrupt:
        sys.exit("stopped")
    sys.stdout.write(report(findings) + "\n")
    sys.exit(0 if all(finding.agrees for finding in findings) else 1)


if __name__ == "__main__":
    main()
