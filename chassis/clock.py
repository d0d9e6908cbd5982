"""One injected clock: real time for machines, business time for due dates.

The two differ only in the sandbox, where staff may move the business time.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    """Tells the time; `shift` moves the business time alone."""

    def __init__(self, zone: str = "UTC", shift: timedelta = timedelta()) -> None:
        self.zone = ZoneInfo(zone)
        self.shift = shift

    def now(self) -> datetime:
        """Return the real instant, UTC: tokens, leases and timeouts go by it."""
        return datetime.now(UTC)

    def business_now(self) -> datetime:
        """Return the instant that business rules and records go by, UTC."""
        return self.now() + self.shift

    def today(self) -> date:
        """Return the business date in the company's time zone."""
        return self.business_now().astimezone(self.zone).date()


class FixedClock(Clock):
    """A clock for tests: stands still until it is moved."""

    def __init__(self, instant: datetime, zone: str = "UTC") -> None:
        super().__init__(zone)
        self.instant = instant

    def now(self) -> datetime:
        return self.instant
