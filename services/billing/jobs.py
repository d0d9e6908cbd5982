"""Billing's timed work: the daily run, and sealing the ledger's entries."""

from chassis.jobs import JobRun, Jobs
from services.billing import measures
from services.billing.commands.ledger import seal_entries
from services.billing.commands.runs import record_news
from services.billing.domain.runs import Days
from services.billing.settings import SETTINGS
from services.billing.workflows import run_day

SEAL_CHUNK = 1000

jobs = Jobs()


@jobs.every(seconds=300)
async def run_billing(run: JobRun) -> None:
    """Do what is due today; what was missed while the machine was off comes first."""
    settings = run.resources[SETTINGS]
    done = await run_day(
        run.db,
        run.clock,
        days=Days(on=run.today, today=run.today),
        terms=settings.terms,
        credit_terms=settings.credit_terms,
    )
    measures.note_run(done, run.clock)
    async with run.db.transaction() as tx:
        await record_news(tx, done)


@jobs.every(seconds=10)
async def seal_ledger(run: JobRun) -> None:
    """Give new entries their place in the hash chain, until none is left."""
    sealed = SEAL_CHUNK
    while sealed == SEAL_CHUNK:
        async with run.db.transaction() as tx:
            sealed = await seal_entries(tx, SEAL_CHUNK)
