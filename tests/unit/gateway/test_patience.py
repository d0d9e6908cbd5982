"""What is left of a caller's time: shared by its calls, and never quite nothing."""

import asyncio

import pytest

from gateway.patience import LAST_SECONDS, patience, seconds_left

#: No test takes a minute, so that what passes meanwhile is no matter.
MINUTE, HOUR = 60, 3600


async def test_a_call_has_its_own_time_unless_less_is_left() -> None:
    assert seconds_left(10) == 10
    with patience(HOUR):
        assert seconds_left(3) == 3
        assert seconds_left(2 * HOUR) == pytest.approx(HOUR, abs=MINUTE)
    assert seconds_left(10) == 10


async def test_an_inner_patience_never_lengthens_the_outer() -> None:
    with patience(HOUR), patience(2 * HOUR):
        assert seconds_left(3 * HOUR) == pytest.approx(HOUR, abs=MINUTE)


async def test_once_the_time_is_up_every_call_has_a_last_short_time() -> None:
    with patience(0):
        assert seconds_left(10) == LAST_SECONDS
        assert seconds_left(LAST_SECONDS / 2) == LAST_SECONDS / 2


async def test_calls_at_once_share_it() -> None:
    async def call() -> float:
        return seconds_left(10)

    with patience(0):
        assert await asyncio.gather(call(), call()) == [LAST_SECONDS] * 2
