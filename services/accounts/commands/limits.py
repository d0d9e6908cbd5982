"""Limits by time: count an attempt, or refuse it and say when to come back."""

from datetime import datetime

from chassis.db import Transaction
from services.accounts.domain.limits import Throttle, too_many
from services.accounts.store import limits as store


async def admit(tx: Transaction, *throttles: Throttle, now: datetime) -> None:
    """Count an attempt against every throttle, or raise TooManyAttempts.

    Refused, it counts nowhere, if the transaction ends with the error: so waiting
    always helps, whatever is tried meanwhile.
    """
    for throttle in throttles:
        if not await store.try_attempt(tx, throttle, now=now):
            oldest = await store.find_oldest_if_full(tx, throttle, now=now)
            raise too_many(throttle, oldest or now, now=now)


async def refuse_if_full(tx: Transaction, *throttles: Throttle, now: datetime) -> None:
    """Raise TooManyAttempts if any of the windows is full; count nothing."""
    for throttle in throttles:
        oldest = await store.find_oldest_if_full(tx, throttle, now=now)
        if oldest is not None:
            raise too_many(throttle, oldest, now=now)
