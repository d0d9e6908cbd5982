"""Where a call comes from, and the limits that go by it."""

from chassis.context import current_cause
from chassis.http import Call
from services.accounts.commands.sessions import Origin
from services.accounts.domain.limits import Limit, Throttle, throttle_from
from services.accounts.settings import SETTINGS


def origin_of(call: Call) -> Origin:
    return Origin(call.request.headers.get("User-Agent"), current_cause().address)


def throttle_by_address(call: Call, limit: Limit) -> Throttle:
    factor = call.resources[SETTINGS].address_limit_factor
    return throttle_from(limit, current_cause().address, factor)
