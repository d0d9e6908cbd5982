"""The hash chain: every byte of every entry counts, and so does their order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import uuid7
from services.billing.domain.seals import (
    LATEST_COMMIT,
    Recorded,
    extend,
    least_id,
    search_from,
)


def recorded(*columns: str | None, amount: int = 5) -> Recorded:
    return Recorded(
        uuid7(), columns, ((1, "a", "BRL", amount), (2, "b", "BRL", -amount))
    )


def test_each_seal_depends_on_all_before_it() -> None:
    entries = [recorded("issue"), recorded("payment"), recorded("void")]
    chain = extend(None, entries)
    assert [seal.position for seal in chain] == [1, 2, 3]
    assert extend(chain[0], entries[1:]) == chain[1:]
    tampered = [replace(entries[0], columns=("issuf",)), *entries[1:]]
    hashes = [seal.hash for seal in chain]
    assert not set(hashes) & {seal.hash for seal in extend(None, tampered)}
    assert extend(None, entries[::-1])[-1].hash != hashes[-1]


def test_nothing_can_be_moved_between_columns_or_postings() -> None:
    contents = {
        recorded("ab", "c").content(),
        recorded("a", "bc").content(),
        recorded("abc", None).content(),
        recorded(None, "abc").content(),
        recorded("abc", "").content(),
        recorded("ab", "c", amount=6).content(),
    }
    assert len(contents) == 6


@given(st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_the_search_begins_before_whatever_may_still_commit(naive: datetime) -> None:
    made_at = naive.replace(tzinfo=UTC)
    last = UUID(int=least_id(made_at).int | ((1 << 80) - 1))
    assert search_from(last) == least_id(
        made_at.replace(microsecond=made_at.microsecond // 1000 * 1000) - LATEST_COMMIT
    )
    assert search_from(last) < least_id(made_at - LATEST_COMMIT + timedelta(seconds=1))


def test_a_new_id_is_not_before_its_time() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert least_id(before) <= uuid7()
