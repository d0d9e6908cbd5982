"""Cursors come back as they went out, and a forged one is refused."""

import base64
import json
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.http import Page, View, decode_cursor, encode_cursor
from chassis.http.cursors import BadCursor
from chassis.ids import uuid7

NOON = datetime(2026, 12, 1, 12, 0, 0, 123456, tzinfo=UTC)


def forged(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_an_instant_and_an_id_come_back(at: datetime, id_: UUID) -> None:
    assert decode_cursor(encode_cursor(at, id_), datetime, UUID) == (at, id_)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_storable_text_comes_back(text: str) -> None:
    assert decode_cursor(encode_cursor(text, 1), str, int) == (text, 1)


def test_a_date_comes_back() -> None:
    today = date(2026, 2, 28)
    assert decode_cursor(encode_cursor(today), date) == (today,)


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor(None, datetime, UUID) is None


@given(st.text(max_size=100))
def test_whatever_else_is_given_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(cursor, datetime, UUID)


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["2026-12-01T12:00:00Z"],
        ["2026-12-01T12:00:00Z", "not an id"],
        ["2026-12-01T12:00:00", str(uuid7())],
        ["0001-01-01T00:00:00+14:00", str(uuid7())],
        ["9999-12-31T23:59:59-14:00", str(uuid7())],
        ["2026-12-01T12:00:00Z", str(uuid7()), "more"],
        {"0": "2026-12-01T12:00:00Z"},
        7,
        None,
    ],
)
def test_a_forged_cursor_of_another_shape_is_refused(values: object) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(forged(values), datetime, UUID)


def test_a_forged_cursor_cannot_carry_what_a_column_cannot_hold() -> None:
    with pytest.raises(BadCursor):
        decode_cursor(forged(["\0"]), str)
    with pytest.raises(BadCursor):
        decode_cursor(forged([2**63]), int)


class Line(View):
    id: UUID
    at: datetime


def test_a_page_leads_on_only_when_there_is_more() -> None:
    lines = [Line(id=uuid7(), at=NOON) for _ in range(3)]

    def page(limit: int) -> Page[Line]:
        return Page[Line].of(lines, limit=limit, cursor=lambda line: (line.at, line.id))

    assert page(3).next is None
    assert page(2).items == lines[:2]
    assert decode_cursor(page(2).next, datetime, UUID) == (NOON, lines[1].id)


def test_a_total_is_shown_only_when_it_was_counted() -> None:
    assert "total" not in Page[Line](items=[]).model_dump()
    assert Page[Line](items=[], total=0).model_dump()["total"] == 0
