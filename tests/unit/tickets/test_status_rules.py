"""A ticket's life: who moves it where, and what that costs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import uuid7
from services.tickets.domain import tickets
from services.tickets.domain.people import Author, AuthorKind
from services.tickets.domain.tickets import (
    Department,
    Priority,
    Status,
    Ticket,
    TicketIsClosed,
    TicketIsInternal,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
SUPPORT = Department(
    slug="support",
    name={"en": "Support"},
    position=0,
    expected_answer_minutes={
        Priority.LOW: 2880,
        Priority.MEDIUM: 1440,
        Priority.HIGH: 240,
        Priority.URGENT: 30,
    },
)

statuses = st.sampled_from(Status)


def a_ticket(status: Status = Status.OPEN) -> Ticket:
    opened = tickets.open_ticket(
        uuid7(),
        customer_id=uuid7(),
        requester=Author(AuthorKind.CUSTOMER, uuid7(), "Ana"),
        department=SUPPORT,
        subject="The site is down",
        priority=Priority.HIGH,
        invoice_id=None,
        service_ids=(),
        now=NOON,
    )
    reached = {
        Status.OPEN: lambda: opened,
        Status.ANSWERED: lambda: tickets.answer(opened, now=NOON),
        Status.CUSTOMER_REPLY: lambda: tickets.reply(opened, now=NOON),
        Status.ON_HOLD: lambda: tickets.hold(opened, now=NOON),
        Status.CLOSED: lambda: tickets.close(opened, by=AuthorKind.CUSTOMER, now=NOON),
    }
    return reached[status]()


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
    ticket = a_ticket()
    closed = tickets.close(ticket, by=AuthorKind.STAFF, now=LATER)
    assert (closed.closed_by, closed.closed_at) == (AuthorKind.STAFF, LATER)
    assert closed.version == ticket.version + 1


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


@given(statuses)
def test_whatever_is_not_closed_can_be_set_aside(status: Status) -> None:
    ticket = a_ticket(status)
    if status is Status.CLOSED:
        with pytest.raises(TicketIsClosed):
            tickets.hold(ticket, now=LATER)
    else:
        held = tickets.hold(ticket, now=LATER)
        assert held.status is Status.ON_HOLD
        assert held.expected_answer_at is None
        assert tickets.hold(held, now=LATER) is held
        assert tickets.reply(held, now=LATER).waiting_since == LATER


def test_the_department_says_by_when_a_new_ticket_is_answered() -> None:
    assert a_ticket().waiting_since == NOON
    assert a_ticket().expected_answer_at == NOON + timedelta(minutes=240)


def test_who_writes_again_before_an_answer_has_waited_all_along() -> None:
    again = tickets.reply(tickets.reply(a_ticket(), now=LATER), now=LATER)
    assert again.waiting_since == NOON


def test_after_an_answer_the_next_message_is_waited_for_anew() -> None:
    answered = tickets.answer(a_ticket(), now=NOON)
    assert answered.expected_answer_at is None
    assert tickets.reply(answered, now=LATER).waiting_since == LATER


def test_nobody_waits_for_an_answer_to_a_task() -> None:
    task = a_task()
    closed = tickets.close(task, by=AuthorKind.STAFF, now=NOON)
    for each in (task, closed, tickets.reopen(closed, now=LATER)):
        assert (each.waiting_since, each.expected_answer_at) == (None, None)


MOVES: dict[str, Callable[[Ticket], Ticket]] = {
    "reply": lambda ticket: tickets.reply(ticket, now=LATER),
    "answer": lambda ticket: tickets.answer(ticket, now=LATER),
    "close": lambda ticket: tickets.close(ticket, by=AuthorKind.STAFF, now=LATER),
    "reopen": lambda ticket: tickets.reopen(ticket, now=LATER),
    "hold": lambda ticket: (
        ticket if ticket.status is Status.CLOSED else tickets.hold(ticket, now=LATER)
    ),
}


@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=12))
def test_every_change_has_a_version_of_its_own(moves: list[str]) -> None:
    ticket = a_ticket()
    for move in moves:
        moved = MOVES[move](ticket)
        assert moved is ticket or moved.version == ticket.version + 1
        assert (moved.status is Status.CLOSED) == (moved.closed_at is not None)
        assert moved.awaits_staff == (moved.waiting_since is not None)
        ticket = moved
