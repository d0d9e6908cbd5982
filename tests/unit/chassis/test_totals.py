"""A list's total: counted only when what was found doesn't tell it already."""

from collections.abc import Sequence

from chassis.http.models import PageQuery

COUNTED = 40


async def test_nobody_counts_unless_asked() -> None:
    assert await total_of(PageQuery(limit=2), [1, 2, 3]) is None


async def test_a_first_page_with_nothing_after_it_is_the_whole_list() -> None:
    assert await total_of(PageQuery(limit=2, count=True), [1, 2]) == 2
    assert await total_of(PageQuery(limit=2, count=True), []) == 0


async def test_a_first_page_with_more_after_it_is_counted() -> None:
    assert await total_of(PageQuery(limit=2, count=True), [1, 2, 3]) == COUNTED


async def test_a_later_page_is_counted() -> None:
    later = PageQuery(limit=2, count=True, cursor="x")
    assert await total_of(later, [1]) == COUNTED


async def total_of(query: PageQuery, found: Sequence[int]) -> int | None:
    async def count() -> int:
        return COUNTED

    return await query.total(found, count)
