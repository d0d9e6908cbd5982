"""Credit: adding funds, and the statement of every movement."""

import asyncio

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import customer
from contracts.api.billing.credit import CreditView, MovementView, TopUpView
from gateway.portal.choices import currency_of
from gateway.portal.formats import typed_amount
from gateway.portal.forms import Form
from gateway.portal.languages import gettext
from gateway.portal.pages import Pages
from gateway.portal.views.paying import list_methods
from gateway.portal.visit import Visit

pages = Pages()

AMOUNT = "amount.amount"
CURRENCY = "amount.currency"


@pages.get("/add-funds", policy=customer("billing"))
async def show_add_funds(visit: Visit) -> web.Response:
    return await _show_form(visit, Form({CURRENCY: [visit.query.get("currency", "")]}))


@pages.post("/add-funds", policy=customer("billing"))
async def add_funds(visit: Visit) -> web.Response:
    """Ask for the top-up, and lead on to how it is paid."""
    form = visit.form
    top_up = None
    if not form[AMOUNT].strip():
        form.refuse(gettext("Please say how much you want to add."), field=AMOUNT)
    else:
        top_up = await form.send(
            visit.api.post(
                "/credit/top-ups", TopUpView, _top_up(visit, form), key=form.key
            )
        )
    if top_up is None:
        return await _show_form(visit, form)
    if top_up.payment is None:
        return visit.go(f"/invoices/{top_up.id}")
    return visit.go(f"/payments/{top_up.payment.id}")


@pages.get("/credit", policy=customer("billing"))
async def show_statement(visit: Visit) -> web.Response:
    chosen = visit.query.get("currency")
    credit, movements = await asyncio.gather(
        visit.api.get("/credit", CreditView),
        visit.api.get(
            "/credit/statement",
            Page[MovementView],
            currency=chosen,
            cursor=visit.query.get("cursor"),
        ),
    )
    return visit.render(
        "credit/statement.html", credit=credit, movements=movements, chosen=chosen
    )


def _top_up(visit: Visit, form: Form) -> dict[str, object]:
    currency = _currency(visit, form)
    amount = {"amount": typed_amount(form[AMOUNT], currency), "currency": currency}
    return {"amount": amount, **form.body("method")}


async def _show_form(visit: Visit, form: Form) -> web.Response:
    currency = _currency(visit, form)
    credit, methods = await asyncio.gather(
        visit.api.get("/credit", CreditView), list_methods(visit, currency)
    )
    return visit.render(
        "credit/add_funds.html",
        status=form.status,
        form=form,
        credit=credit,
        currency=currency,
        limits=next((e for e in credit.limits if e.currency == currency), None),
        methods=methods,
    )


def _currency(visit: Visit, form: Form) -> str:
    return form[CURRENCY] or currency_of(visit)
