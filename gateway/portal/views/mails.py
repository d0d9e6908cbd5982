"""The history of mails to the person who is logged in."""

from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import signed_in
from contracts.api.notifier import MailView, MailWithContentView
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit

pages = Pages()


@pages.get("/emails", policy=signed_in())
async def list_mails(visit: Visit) -> web.Response:
    mails = await visit.api.get(
        "/emails", Page[MailView], cursor=visit.query.get("cursor")
    )
    return visit.render("mails/list.html", mails=mails)


@pages.get("/emails/{mail_id}", policy=signed_in())
async def show_mail(visit: Visit, mail_id: UUID) -> web.Response:
    mail = await visit.api.get(f"/emails/{mail_id}", MailWithContentView)
    return visit.render("mails/mail.html", mail=mail)
