"""A ticket's life: who moves it where, and what that costs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import uuid7
from services.tickets.domain import tickets
from services.tickets.domain.people import Author, AuthorKind
from services.tickets.domain.tickets import Priority, Status, Ticket, TicketIsInternal

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)

statuses = st.sampled_from(Status)


def a_ticket(status: Status = Status.OPEN) -> Ticket:
    opened = tickets.open_ticket(
        uuid7(),
        customer_id=uuid7(),
        requester=Author(AuthorKind.CUSTOMER, uuid7(), "Ana"),
        department="support",
        subject="The site is down",
        priority=Priority.HIGH,
        invoice_id=None,
        service_ids=(),
        now=NOON,
    )
    if status is Status.CLOSED:
        return tickets.close(opened, by=AuthorKind.CUSTOMER, now=NOON)
    return replace(opened, status=status)


def a_task() -> Ticket:
    return tickets.open_task(
        uuid7(),
        customer_id=None,
        department="finance",
        subject="A payment matches no invoice",
        invoice_id=None,
        now=NOON,
    )


def test_a_new_ticket_is_open_in_its_first_version() -> None:
    ticket = a_ticket()
    assert (ticket.status, ticket.version) == (Status.OPEN, 1)
    assert isinstance(ticket.requester_id, UUID)


@given(statuses)
def test_a_customers_reply_is_seen_whatever_the_status(status: Status) -> None:
    ticket = a_ticket(status)
    replied = tickets.reply(ticket, now=LATER)
    assert replied.status is Status.CUSTOMER_REPLY
    assert replied.version == ticket.version + 1
    assert (replied.closed_at, replied.closed_by) == (None, None)
    assert replied.updated_at == LATER


@given(statuses)
def test_a_staff_answer_makes_it_answered(status: Status) -> None:
    ticket = a_ticket(status)
    answered = tickets.answer(ticket, now=LATER)
    assert answered.status is Status.ANSWERED
    assert answered.version == ticket.version + 1
    assert answered.closed_at is None


@given(statuses, st.sampled_from(AuthorKind))
def test_closing_twice_changes_nothing(status: Status, by: AuthorKind) -> None:
    closed = tickets.close(a_ticket(status), by=by, now=NOON)
    assert closed.status is Status.CLOSED
    assert tickets.close(closed, by=AuthorKind.STAFF, now=LATER) is closed


def test_closing_says_who_and_when() -> None:
    closed = tickets.close(a_ticket(), by=AuthorKind.STAFF, now=LATER)
    assert (closed.closed_by, closed.closed_at) == (AuthorKind.STAFF, LATER)
    assert closed.version == 2


@given(statuses)
def test_only_a_closed_ticket_is_reopened(status: Status) -> None:
    ticket = a_ticket(status)
    reopened = tickets.reopen(ticket, now=LATER)
    if status is Status.CLOSED:
        assert reopened.status is Status.OPEN
        assert reopened.version == ticket.version + 1
        assert reopened.closed_at is None
    else:
        assert reopened is ticket


def test_an_internal_ticket_has_nobody_to_answer() -> None:
    with pytest.raises(TicketIsInternal):
        tickets.answer(a_task(), now=LATER)


MOVES: dict[str, Callable[[Ticket], Ticket]] = {
    "reply": lambda ticket: tickets.reply(ticket, now=LATER),
    "answer": lambda ticket: tickets.answer(ticket, now=LATER),
    "close": lambda ticket: tickets.close(ticket, by=AuthorKind.STAFF, now=LATER),
    "reopen": lambda ticket: tickets.reopen(ticket, now=LATER),
}


@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=12))
def test_every_change_has_a_version_of_its_own(moves: list[str]) -> None:
    ticket = a_ticket()
    for move in moves:
        moved = MOVES[move](ticket)
        assert moved is ticket or moved.version == ticket.version + 1
        assert (moved.status is Status.CLOSED) == (moved.closed_at is not None)
        ticket = moved
