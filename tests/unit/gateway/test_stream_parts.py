"""The parts of the live stream: what is told, what is kept, and for how long."""

import asyncio
from uuid import UUID

import pytest

from chassis.events import REGISTRY
from chassis.http import Principal
from chassis.ids import uuid7
from contracts.events import accounts, billing
from gateway.stream.changes import AUDIENCES, Audience, Change
from gateway.stream.ended import REMEMBERED_SECONDS, EndedSessions
from gateway.stream.openings import OpenStreams
from gateway.stream.recent import Recent
from gateway.stream.stream import LONGEST_WAITING, Stream
from tests.support.tokens import a_customer, a_staff_member

#: Nobody's page shows them: links travel by mail, and the clock is the sandbox's.
NOT_TOLD = {
    accounts.StaffMemberAdded,
    accounts.StaffMemberUpdated,
    accounts.EmailVerificationRequested,
    accounts.PasswordResetRequested,
    accounts.SessionEnded,
    billing.ClockMoved,
}


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def a_change(
    customer_id: UUID | None = None, *, needs: str | None = "tickets"
) -> Change:
    return Change(
        id=str(uuid7()),
        customer_id=customer_id,
        audience=Audience(needs, "tickets.read"),
        for_customer=b"for a customer",
        for_staff=b"for staff",
    )


def test_of_every_event_it_is_decided_whether_it_is_told() -> None:
    product = set(REGISTRY.values())
    assert product == set(AUDIENCES) | NOT_TOLD


def test_what_is_no_customers_is_told_to_no_customer() -> None:
    somebody = a_customer()
    assert a_change(None).frame_for(somebody) is None
    assert a_change(somebody.customer_id, needs=None).frame_for(somebody) is None
    assert a_change(somebody.customer_id).frame_for(somebody) == b"for a customer"
    assert a_change(None).frame_for(a_staff_member("tickets.read")) == b"for staff"


def test_a_position_leads_to_what_came_after_it() -> None:
    recent = Recent()
    beginning = recent.position
    changes = [a_change() for _ in range(3)]
    for change in changes:
        assert recent.add(change)
    assert recent.since(beginning) == changes
    assert recent.since(changes[0].id) == changes[1:]
    assert recent.since(changes[2].id) == recent.since(recent.position) == []
    assert recent.since("nowhere") is None


def test_a_change_is_kept_once() -> None:
    recent, change = Recent(), a_change()
    assert recent.add(change)
    assert not recent.add(change)
    assert recent.since(change.id) == []


def test_no_more_is_kept_than_so_many_changes() -> None:
    recent = Recent(count=2)
    beginning = recent.position
    changes = [a_change() for _ in range(4)]
    for change in changes:
        recent.add(change)
    assert recent.since(beginning) is None
    assert recent.since(changes[0].id) is None
    assert recent.since(changes[1].id) == changes[2:]


def test_what_is_old_is_forgotten_and_a_quiet_listener_goes_on_all_the_same() -> None:
    now = Time()
    recent = Recent(seconds=60, now=now)
    beginning = recent.position
    old, last = a_change(), a_change()
    recent.add(old)
    recent.add(last)
    now.at = 1000
    assert recent.since(beginning) is None
    assert recent.since(old.id) is None
    # Nothing has happened since, however long ago that was.
    assert recent.since(last.id) == recent.since(recent.position) == []
    following = a_change()
    recent.add(following)
    assert recent.since(last.id) == [following]


def test_after_a_gap_no_earlier_position_is_known() -> None:
    recent, change = Recent(), a_change()
    recent.add(change)
    before = recent.position
    recent.forget()
    assert recent.since(before) is None
    assert recent.since(change.id) is None
    assert recent.since(recent.position) == []


def test_an_ended_session_is_remembered_while_its_tokens_last() -> None:
    now = Time()
    ended = EndedSessions(now)
    first, second = uuid7(), uuid7()
    ended.add(first)
    now.at = REMEMBERED_SECONDS
    ended.add(second)
    assert first in ended
    now.at += 1
    ended.add(second)
    assert first not in ended
    assert second in ended


async def test_a_reader_far_behind_is_told_so_instead_of_all_that_waits() -> None:
    stream = a_stream(a_customer())
    assert all(stream.tell(b"x") for _ in range(LONGEST_WAITING))
    assert not stream.tell(b"x")
    stream.tell(b"x")
    assert stream.take() == (b"", True)
    stream.tell(b"y")
    assert stream.take() == (b"y", False)


async def test_a_stream_may_be_ended_again_while_it_ends() -> None:
    async def listen() -> None:
        async with asyncio.timeout(None) as scope:
            stream = Stream(a_customer(), scope)
            try:
                stream.end()
                stream.end()
                await asyncio.Event().wait()
            finally:
                stream.end()

    with pytest.raises(TimeoutError):
        await listen()


async def test_closed_streams_leave_nothing_behind() -> None:
    people = [a_customer(), a_staff_member("tickets.read")]
    opened, streams = OpenStreams(), [a_stream(person) for person in people]
    for stream in streams:
        opened.add(stream)
    change = a_change(people[0].customer_id)
    assert {told for _, told in opened.told(change)} == {
        b"for a customer",
        b"for staff",
    }
    for stream in streams:
        opened.remove(stream)
    assert not list(opened.told(change))
    assert [opened.count_of(person.user_id) for person in people] == [0, 0]
    assert not any(list(opened.of_session(person.session_id)) for person in people)
    assert len(opened) == 0


def a_stream(principal: Principal) -> Stream:
    return Stream(principal, asyncio.timeout(None))
