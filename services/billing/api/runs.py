"""The routes of daily runs and of the sandbox's clock."""

from datetime import datetime, timedelta
from uuid import UUID

from chassis.errors import NotFound, RuleViolated
from chassis.http import Call, Page, PageQuery, Routes, decode_cursor, staff
from contracts.api.billing.runs import BillingRunView, ClockView, MoveClock, StartRun
from services.billing.api.views import view_run
from services.billing.commands.clock import move_clock
from services.billing.commands.runs import record_run
from services.billing.domain.runs import Days
from services.billing.settings import SETTINGS
from services.billing.store import runs as store
from services.billing.workflows import run_day

RUN_SECONDS = 600.0
#: Who asks for the real time means it, however long the request was on its way.
SAME_TIME = timedelta(seconds=10)

runs = Routes(tag="billing runs")
clock = Routes(tag="clock")


class RunInTheFuture(RuleViolated):
    """A run can't decide by a date that lies ahead."""


@runs.post(
    "/staff/billing-runs",
    policy=staff("billing.run"),
    status=201,
    seconds=RUN_SECONDS,
)
async def start_run(call: Call, body: StartRun) -> BillingRunView:
    """Do all that is due as of a date, and report it.

    Repeating a run does nothing more, and runs at once share the work.
    """
    settings = call.resources[SETTINGS]
    if body.on > call.today and not settings.sandbox_clock:
        raise RunInTheFuture(
            "must be at most {today}, today", today=call.today, field="on"
        )
    run = await run_day(
        call.database,
        call.clock,
        days=Days(on=body.on, today=call.today),
        terms=settings.terms,
        credit_terms=settings.credit_terms,
    )
    async with call.transaction() as tx:
        await record_run(tx, run)
        return await call.complete(tx, view_run(run))


@runs.get("/staff/billing-runs", policy=staff("billing.run"))
async def list_runs(call: Call, query: PageQuery) -> Page[BillingRunView]:
    """List the runs that staff started, or that did something, newest first."""
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        found = await store.list_runs(tx, before=before, limit=query.limit + 1)
        total = await query.total(found, lambda: store.count_runs(tx))
    return Page[BillingRunView].of(
        [view_run(run) for run in found],
        limit=query.limit,
        cursor=lambda run: (run.started_at, run.id),
        total=total,
    )


@runs.get("/staff/billing-runs/{run_id}", policy=staff("billing.run"))
async def show_run(call: Call, run_id: UUID) -> BillingRunView:
    """Show one run."""
    async with call.reading() as tx:
        return view_run(await store.get_run(tx, run_id))


@clock.get("/staff/clock", policy=staff())
async def show_clock(call: Call) -> ClockView:
    """Tell the business time, and whether this is a sandbox, where it can be moved."""
    return ClockView(
        now=call.now,
        today=call.today,
        sandbox=call.resources[SETTINGS].sandbox_clock,
    )


@clock.put("/staff/clock", policy=staff("clock.move"))
async def set_clock(call: Call, body: MoveClock) -> ClockView:
    """Move the sandbox's business time; tokens and sessions go by the real one.

    Within seconds of the real time, the two are one again.
    """
    if not call.resources[SETTINGS].sandbox_clock:
        raise NotFound
    shift = body.now - call.clock.now()
    if abs(shift) < SAME_TIME:
        shift = timedelta()
    async with call.transaction() as tx:
        await move_clock(tx, shift)
    call.clock.shift = shift
    now, today = call.clock.business_now(), call.clock.today()
    return ClockView(now=now, today=today, sandbox=True)
