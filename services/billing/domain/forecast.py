"""The forecast: what services will be charged for, and whether credit covers it."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.money import Money
from services.billing.domain.periods import add_months, span_from
from services.billing.domain.services import Service

#: A service, and the day on which one of its periods starts.
PeriodStart = tuple[UUID, date]


@dataclass(frozen=True, slots=True)
class Charge:
    """A period of a service that no invoice charges for yet."""

    due_on: date
    service: Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One currency's coming charges, what is owed already, and the credit for both."""

    charges: Money
    owed: Money
    credit: Money

    @property
    def missing(self) -> Money:
        needed = self.owed + self.charges
        return max(needed - self.credit, Money.zero(needed.currency))

    @property
    def covered(self) -> bool:
        return not self.missing.positive


def horizon(today: date, months: int) -> date:
    """Return the first day that a forecast of so many months leaves out."""
    return add_months(today, months, today.day)


def forecast(
    services: Iterable[Service], *, invoiced: Collection[PeriodStart], until: date
) -> list[Charge]:
    """Return what falls due before `until` and isn't invoiced, in date order.

    It takes for granted that every period is paid, and that prices stay.
    """
    charges = [
        charge
        for service in services
        for charge in _charges(service, until)
        if (service.id, charge.due_on) not in invoiced
    ]
    return sorted(charges, key=lambda charge: (charge.due_on, charge.service.id))


def outlook(
    charges: Iterable[Charge], *, owed: Iterable[Money], credit: Iterable[Money]
) -> list[Outlook]:
    """Weigh the charges of each currency against the credit there is in it."""
    wanted = _by_currency(charge.service.recurring for charge in charges)
    owes, has = _by_currency(owed), _by_currency(credit)
    return [
        Outlook(
            charges=total,
            owed=owes.get(currency, Money.zero(currency)),
            credit=has.get(currency, Money.zero(currency)),
        )
        for currency, total in sorted(wanted.items())
    ]


def _by_currency(amounts: Iterable[Money]) -> dict[str, Money]:
    sums: dict[str, Money] = {}
    for amount in amounts:
        known = sums.get(amount.currency, Money.zero(amount.currency))
        sums[amount.currency] = known + amount
    return sums


def _charges(service: Service, until: date) -> Iterator[Charge]:
    """Yield the service's periods as the daily run would invoice them one by one."""
    start, anchor_day = service.next_due_on, service.anchor_day
    if start is None or anchor_day is None:
        return
    end = min(until, service.cancel_on) if service.cancel_on else until
    while start < end:
        yield Charge(start, service)
        start = span_from(start, service.period, anchor_day).end
