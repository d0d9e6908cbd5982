"""The route of the forecast."""

from datetime import date
from uuid import UUID

from chassis.http import Call, Page, Routes, customer, decode_cursor
from contracts.api.billing.forecast import (
    ChargeView,
    ForecastQuery,
    ForecastView,
    OutlookView,
)
from contracts.money import MoneyModel
from services.billing.domain.forecast import (
    Charge,
    Outlook,
    forecast,
    horizon,
    outlook,
)
from services.billing.settings import SETTINGS
from services.billing.store.balances import list_credit
from services.billing.store.credit import list_owed
from services.billing.store.services import list_periods_ahead, list_renewing

routes = Routes(tag="forecast")


@routes.get("/forecast", policy=customer("billing"))
async def show_forecast(call: Call, query: ForecastQuery) -> ForecastView:
    """Forecast what the caller's services will be charged for, soonest first.

    It goes by today's prices and takes it that every service is kept and paid.
    """
    after = decode_cursor(query.cursor, date, UUID)
    until = horizon(call.today, query.months)
    async with call.reading() as tx:
        services = await list_renewing(tx, call.customer_id)
        invoiced = await list_periods_ahead(tx, call.customer_id)
        owed = await list_owed(tx, call.customer_id)
        credit = await list_credit(tx, call.customer_id)
    charges = forecast(services, invoiced=invoiced, until=until)
    following = [c for c in charges if after is None or _place(c) > after]
    page = Page[Charge].of(
        following[: query.limit + 1], limit=query.limit, cursor=_place
    )
    return ForecastView(
        items=[_view_charge(call, charge) for charge in page.items],
        next=page.next,
        total=len(charges) if query.count else None,
        until=until,
        totals=[
            _view_outlook(one) for one in outlook(charges, owed=owed, credit=credit)
        ],
    )


def _place(charge: Charge) -> tuple[date, UUID]:
    return charge.due_on, charge.service.id


def _view_charge(call: Call, charge: Charge) -> ChargeView:
    service, terms = charge.service, call.resources[SETTINGS].terms
    return ChargeView(
        due_on=charge.due_on,
        # What should have been issued before is issued by the next run.
        issue_on=max(terms.issues_on(charge.due_on), call.today),
        service_id=service.id,
        label=service.label,
        product_name=service.product_name,
        amount=MoneyModel.of(service.recurring),
    )


def _view_outlook(one: Outlook) -> OutlookView:
    return OutlookView(
        charges=MoneyModel.of(one.charges),
        owed=MoneyModel.of(one.owed),
        credit=MoneyModel.of(one.credit),
        missing=MoneyModel.of(one.missing),
        covered=one.covered,
    )
