"""Runs a process's checks every hour, and keeps what they came to for the metrics."""

import asyncio
from collections.abc import Sequence

import structlog

from chassis.checks import Check, CheckResult
from chassis.db import Database, Transaction, open_database
from chassis.jobs import JobRun, Jobs
from chassis.resources import CHECKS, DATABASE, SETTINGS

#: Longer than what serves people may take: a check looks at everything.
STATEMENT_SECONDS = 60
#: Claims hold once all is quiet. What is in motion has come to rest after so long.
PAUSE_SECONDS = 10.0
#: Of the violations, so many are logged; `audit` prints them.
LOGGED = 5

log = structlog.get_logger("checks")

checking_jobs = Jobs()


@checking_jobs.every(seconds=3600)
async def check_claims(run: JobRun) -> None:
    """Run every check on a connection of its own; what it finds is an alert."""
    settings, source = run.resources[SETTINGS], run.resources[DATABASE].source
    async with open_database(
        settings.database_url,
        schema=source,
        pool_size=1,
        statement_seconds=STATEMENT_SECONDS,
    ) as database:
        results = {
            check.name: await _settled(database, check)
            for check in run.resources[CHECKS]
        }
    async with run.db.transaction() as tx:
        await _save(tx, results)
    _tell(results)


async def _settled(database: Database, check: Check) -> CheckResult:
    """Return what is wrong, and still is after a moment."""
    result = await _run(database, check)
    if not result.violations:
        return result
    await asyncio.sleep(PAUSE_SECONDS)
    again = await _run(database, check)
    lasting = [line for line in again.violations if line in set(result.violations)]
    return CheckResult(again.checked, lasting)


async def _run(database: Database, check: Check) -> CheckResult:
    async with database.reading() as tx:
        return await check.run(tx)


async def _save(tx: Transaction, results: dict[str, CheckResult]) -> None:
    """Keep the results, and forget those of claims that are no longer made."""
    await tx.execute("DELETE FROM check_results WHERE name <> ALL($1)", list(results))
    await tx.executemany(
        """
        INSERT INTO check_results (name, checked, violations) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE
        SET checked = EXCLUDED.checked, violations = EXCLUDED.violations,
            ran_at = now()
        """,
        [
            (name, result.checked, len(result.violations))
            for name, result in results.items()
        ],
    )


def _tell(results: dict[str, CheckResult]) -> None:
    for name, result in results.items():
        if result.violations:
            shown: Sequence[str] = result.violations[:LOGGED]
            log.error("claim violated", check=name, violations=shown)
