"""What billing's daily run has to do as of a date; the rows themselves say it."""

from datetime import date, timedelta
from uuid import UUID

from chassis.db import Database, open_database
from deploy.operate.console import say
from deploy.operate.targets import Targets
from services.billing.store import runs

PAGE = 500


async def tell_due(targets: Targets, on: date, lead_days: int) -> int:
    """Say what a run as of that date would find; return how much that is."""
    async with open_database(
        targets.auditor("billing"), schema="billing", pool_size=2
    ) as database:
        renewals = await _renewals(database, on + timedelta(days=lead_days))
        credit = await _count(database, on, credit=True)
        orders = await _count(database, on, credit=False)
    for due_on, customers in sorted(renewals.items()):
        say(f"renewals due on {due_on}: {customers} customers have no invoice yet")
    say(f"customers whose credit pays what is due by {on}: {credit}")
    say(f"customers with orders that stayed unpaid too long by {on}: {orders}")
    return sum(renewals.values()) + credit + orders


async def _renewals(database: Database, through: date) -> dict[date, int]:
    found: dict[date, int] = {}
    after = runs.START
    while True:
        async with database.reading() as tx:
            page = await runs.list_due(tx, through=through, after=after, limit=PAGE)
        if not page:
            return found
        for due, wanted in page:
            found[due.due_on] = found.get(due.due_on, 0) + wanted
        after = page[-1][0]


async def _count(database: Database, on: date, *, credit: bool) -> int:
    count, after = 0, UUID(int=0)
    find = (
        runs.list_customers_with_credit_due
        if credit
        else runs.list_customers_with_unpaid_orders
    )
    while True:
        async with database.reading() as tx:
            page = await find(tx, on=on, after=after, limit=PAGE)
        if not page:
            return count
        count, after = count + len(page), page[-1]
