"""The daily run as staff starts it, what the last ones did, and the sandbox's clock."""

import asyncio

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import staff
from contracts.api.billing.runs import BillingRunView, ClockView
from gateway.portal.forms import Form
from gateway.portal.languages import N_
from gateway.portal.pages import Pages
from gateway.portal.views.staff_clock import instant_on, steps_from
from gateway.portal.visit import Visit, in_path, with_query
from gateway.services import if_there

PATH = "/staff/billing-runs"

pages = Pages()


@pages.get(PATH, policy=staff("billing.run"))
async def list_runs(visit: Visit) -> web.Response:
    return await _show(visit, run=Form(), move=Form())


@pages.post(PATH, policy=staff("billing.run"))
async def start_run(visit: Visit) -> web.Response:
    """Run the day, and wait for its report, which may take minutes."""
    form = visit.form
    run = await form.send(
        visit.api.post(PATH, BillingRunView, {"on": form["on"]}, key=form.key)
    )
    if run is None:
        return await _show(visit, run=form, move=Form())
    return visit.go(with_query(PATH, run=str(run.id)))


@pages.post(f"{PATH}/clock", policy=staff("billing.run", "clock.move"))
async def move_clock(visit: Visit) -> web.Response:
    """Move the business time to the instant of a button, or to a date's noon."""
    form = visit.form
    to = form["to"] or instant_on(visit, form["day"])
    now = visit.now.isoformat() if to == "now" else to
    if await form.send(visit.api.put("/staff/clock", ClockView, {"now": now})) is None:
        if "now" in form.errors:
            form.errors["day"] = form.errors.pop("now")
        return await _show(visit, run=Form(), move=form)
    return visit.go(PATH, notice=N_("The sandbox clock has moved."))


@pages.get(f"{PATH}/clock", policy=staff("billing.run"))
async def lead_back(visit: Visit) -> web.Response:
    """Lead whoever logged in on the way to moving the clock to where it stands."""
    return visit.go(PATH)


async def _show(visit: Visit, *, run: Form, move: Form) -> web.Response:
    clock, runs, done = await asyncio.gather(
        visit.api.get("/staff/clock", ClockView),
        visit.api.get(PATH, Page[BillingRunView], cursor=visit.query.get("cursor")),
        _find_run(visit),
    )
    return visit.render(
        "staff_runs/runs.html",
        status=visit.form.status,
        run_form=run if run.is_refused else Form.filled(on=clock.today.isoformat()),
        move_form=move if move.is_refused else Form.filled(day=clock.today.isoformat()),
        clock=clock,
        steps=steps_from(clock),
        runs=runs,
        done=done,
    )


async def _find_run(visit: Visit) -> BillingRunView | None:
    """Return the run that has just finished, if the page is to tell of one."""
    run_id = visit.query.get("run")
    if not run_id:
        return None
    return await if_there(visit.api.get(f"{PATH}/{in_path(run_id)}", BillingRunView))
