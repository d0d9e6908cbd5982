"""The business time: what staff's pages go by, and moving it in the sandbox."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from contracts.api.billing.runs import ClockView
from gateway.portal.languages import N_, gettext
from gateway.portal.visit import Visit
from gateway.services import if_there

#: Moves go to this hour, so that no zone of ours has another date.
HOUR = time(12)
MONTHS = 12
#: How far a press of each button moves the clock; a month is the calendar's.
STEPS = (
    (N_("1 day forward"), timedelta(days=1)),
    (N_("10 days forward"), timedelta(days=10)),
    (N_("1 month forward"), None),
)


async def business_time(visit: Visit) -> datetime:
    """Return the time that due dates go by; the real one where it isn't told."""
    if not visit.portal.settings.sandbox_clock:
        return visit.now
    clock = await if_there(visit.api.get("/staff/clock", ClockView))
    return clock.now if clock else visit.now


def company_zone(visit: Visit) -> ZoneInfo:
    return ZoneInfo(visit.portal.settings.company_time_zone)


def steps_from(clock: ClockView) -> list[tuple[str, str]]:
    """Return what each button is called and the instant that it leads to.

    Each says where to go, not how far, so that pressed twice it moves the clock once.
    """
    moves = [
        (gettext(label), clock.now + step if step else month_after(clock.now))
        for label, step in STEPS
    ]
    return [(label, instant.isoformat()) for label, instant in moves]


def month_after(instant: datetime) -> datetime:
    """Return the same day of the next month, or its last where it has no such day."""
    year, month = divmod(instant.year * MONTHS + instant.month, MONTHS)
    last = calendar.monthrange(year, month + 1)[1]
    return instant.replace(year=year, month=month + 1, day=min(instant.day, last))


def instant_on(visit: Visit, day: str) -> str:
    """Return noon of a typed date where the company is; what is none stays as it is."""
    try:
        noon = datetime.combine(date.fromisoformat(day), HOUR, company_zone(visit))
    except ValueError:
        return day
    return noon.astimezone(UTC).isoformat()
