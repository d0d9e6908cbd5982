"""Mails for operators: what became of each, and sending one again."""

from typing import get_args

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import staff
from contracts.api.notifier import MailStatusName, StaffMailView
from gateway.portal.languages import N_
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit, in_path

PATH = "/staff/emails"
STATUSES: tuple[str, ...] = get_args(MailStatusName)
#: Those that can be sent again.
UNSENT = ("failed", "dead", "ambiguous")

pages = Pages()


@pages.get(PATH, policy=staff("operations"))
async def list_mails(visit: Visit) -> web.Response:
    return await _show(visit)


@pages.post(PATH, policy=staff("operations"))
async def send_again(visit: Visit) -> web.Response:
    """Put a mail back into the queue."""
    form = visit.form
    path = f"{PATH}/{in_path(form['mail'])}/replays"
    if await form.send(visit.api.post(path, StaffMailView, {}, key=form.key)) is None:
        return await _show(visit)
    return visit.go(visit.path, notice=N_("The e-mail is being sent again."))


async def _show(visit: Visit) -> web.Response:
    status = visit.query.get("status")
    chosen = status if status in STATUSES else None
    mails = await visit.api.get(
        PATH,
        Page[StaffMailView],
        status=chosen,
        cursor=visit.query.get("cursor"),
        count=True,
    )
    return visit.render(
        "staff_mails/list.html",
        status=visit.form.status,
        form=visit.form,
        mails=mails,
        chosen=chosen,
        statuses=STATUSES,
        unsent=UNSENT,
    )
