"""The style page: every component with examples, as pages use them."""

from aiohttp import web

from chassis.http.policies import public
from contracts.money import MoneyModel
from gateway.portal.forms import Form
from gateway.portal.languages import gettext
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit
from gateway.portal.wording import KINDS

pages = Pages()


@pages.get("/style", policy=public())
async def show_style(visit: Visit) -> web.Response:
    refused = Form.filled(name="Ana", amount="0")
    refused.refuse(gettext("Must be at least 1.00"), field="amount")
    return visit.render(
        "style/style.html",
        amounts=[
            MoneyModel(amount="1234.50", currency="BRL"),
            MoneyModel(amount="-49.90", currency="USD"),
            MoneyModel(amount="1200", currency="JPY"),
        ],
        form=Form.filled(name="Ana"),
        kinds=KINDS,
        refused=refused,
    )
