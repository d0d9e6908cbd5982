"""What staff is to answer: the one whose answer is due first comes first."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.tickets.app import PROCESS
from tests.conftest import MakeDatabase
from tests.integration.tickets.stage import Person, Stage

MIGRATION = (
    Path(__file__).resolve().parents[3]
    / "services/tickets/migrations/0002_tickets_to_answer.sql"
).read_text()


async def opened_by(person: Person, **fields: object) -> str:
    answer = await person.open_ticket(**fields)
    assert answer.status == 201, answer.body
    return answer.body["id"]


async def queue(person: Person, **query: str) -> list[str]:
    listed = await person.get("/staff/tickets", awaiting="staff", **query)
    assert listed.status == 200, listed.body
    return [ticket["id"] for ticket in listed.body["items"]]


async def shown(person: Person, ticket: str) -> Any:
    answer = await person.get(f"/staff/tickets/{ticket}")
    assert answer.status == 200, answer.body
    return answer.body


def minutes_between(earlier: str, later: str) -> float:
    waited = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return waited / timedelta(minutes=1)


def pass_minutes(stage: Stage, minutes: int) -> None:
    stage.clock.shift += timedelta(minutes=minutes)


async def test_the_answer_that_is_due_first_is_on_top(stage: Stage) -> None:
    ana, bob, bruno = (
        *(await stage.customer(), await stage.customer()),
        await stage.staff(),
    )
    low = await opened_by(ana, priority="low")  # due after 2,880 minutes
    high = await opened_by(bob, priority="high")  # after 240
    pass_minutes(stage, 200)
    urgent = await opened_by(ana, priority="urgent")  # after 30
    second = await opened_by(bob, priority="high")
    assert await queue(bruno) == [urgent, high, second, low]
    assert await queue(
        bruno, department="support", customer_id=str(ana.customer_id)
    ) == [
        *(urgent, low),
    ]
    pass_minutes(stage, 20)
    late = await opened_by(ana, priority="urgent")
    assert await queue(bruno) == [urgent, high, late, second, low]


async def test_only_what_awaits_staff_is_in_it(stage: Stage) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    tickets = [await opened_by(ana, priority="high") for _ in range(4)]
    answered, closed, held, open_ = tickets
    await bruno.post(f"/staff/tickets/{answered}/replies", {"message": "Try again"})
    await bruno.post(f"/staff/tickets/{closed}/close")
    await bruno.post(f"/staff/tickets/{held}/hold")
    assert await queue(bruno) == [open_]
    counted = await bruno.get("/staff/tickets", awaiting="staff", count="true")
    assert counted.body["total"] == 1
    for ticket in (answered, closed, held):
        state = await shown(bruno, ticket)
        assert (state["waiting_since"], state["expected_answer_at"]) == (None, None)
    pass_minutes(stage, 5)
    for ticket in (answered, closed, held):
        await ana.post(f"/tickets/{ticket}/replies", {"message": "Still down"})
    assert await queue(bruno) == [open_, answered, closed, held]


async def test_the_customer_is_told_by_when_an_answer_is_expected(stage: Stage) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    opened = (await ana.open_ticket(priority="high")).body
    path = f"/tickets/{opened['id']}"
    expected = opened["expected_answer_at"]
    assert minutes_between(opened["created_at"], expected) == 240
    assert "waiting_since" not in opened

    pass_minutes(stage, 10)
    await ana.post(f"{path}/replies", {"message": "Nothing yet?"})
    assert (await ana.get(path)).body["expected_answer_at"] == expected
    await bruno.post(f"/staff{path}/replies", {"message": "It is up again"})
    assert (await ana.get(path)).body["expected_answer_at"] is None
    await ana.post(f"{path}/replies", {"message": "It is not"})
    state = await shown(bruno, opened["id"])
    assert state["waiting_since"] == state["updated_at"]
    assert minutes_between(state["waiting_since"], state["expected_answer_at"]) == 240
    [listed] = (await ana.get("/tickets")).body["items"]
    assert listed["expected_answer_at"] == state["expected_answer_at"]


async def test_what_is_set_aside_is_announced_and_comes_back_with_a_reply(
    stage: Stage,
) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    ticket = await opened_by(ana)
    held = [await bruno.post(f"/staff/tickets/{ticket}/hold") for _ in range(2)]
    assert [answer.body["status"] for answer in held] == ["on_hold", "on_hold"]
    await ana.post(f"/tickets/{ticket}/replies", {"message": "Any news?"})
    assert (await shown(bruno, ticket))["status"] == "customer_reply"
    assert await stage.types_of(ticket) == ["opened", "held", "replied"]

    await bruno.post(f"/staff/tickets/{ticket}/close")
    refused = await bruno.post(f"/staff/tickets/{ticket}/hold")
    assert (refused.status, refused.problem) == (409, "TicketIsClosed")
    reader = await stage.staff("tickets.read")
    assert (await reader.post(f"/staff/tickets/{ticket}/hold")).status == 403


async def test_pages_of_the_queue_join_up(stage: Stage) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    for priority in ("low", "urgent", "high", "medium", "high"):
        await opened_by(ana, priority=priority)
    whole = await queue(bruno)
    seen: list[str] = []
    query = {"awaiting": "staff", "limit": "2"}
    while True:
        page = (await bruno.get("/staff/tickets", **query)).body
        seen += [ticket["id"] for ticket in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == whole
    assert len(seen) == 5


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/staff/tickets", {"awaiting": "customer"}, 422),
        ("/staff/tickets", {"awaiting": "staff", "department": "gardening"}, 422),
        ("/staff/tickets", {"awaiting": "staff", "cursor": "x"}, 400),
        ("/staff/tasks", {"awaiting": "staff"}, 422),
        ("/staff/tickets", {"invoice_id": "x"}, 422),
    ],
)
async def test_a_bad_question_is_refused(
    stage: Stage, path: str, query: dict[str, str], status: int
) -> None:
    bruno = await stage.staff()
    assert (await bruno.get(path, **query)).status == status


async def test_the_tickets_about_an_invoice_are_found_by_it(stage: Stage) -> None:
    ana, bob, bruno = (
        *(await stage.customer(), await stage.customer()),
        await stage.staff(),
    )
    invoice = await stage.invoice_of(ana)
    about = await opened_by(ana, department="finance", invoice_id=str(invoice))
    await opened_by(ana)
    for person, path in ((ana, "/tickets"), (bruno, "/staff/tickets")):
        found = await person.get(path, invoice_id=str(invoice), count="true")
        assert [ticket["id"] for ticket in found.body["items"]] == [about]
        assert found.body["total"] == 1
    assert (await bob.get("/tickets", invoice_id=str(invoice))).body["items"] == []


async def test_tickets_of_the_release_before_wait_since_they_were_written(
    stage: Stage,
) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    ticket = await opened_by(ana)
    async with stage.db.transaction() as tx:
        await tx.execute("UPDATE tickets SET waiting_since = NULL")
    state = await shown(bruno, ticket)
    assert state["waiting_since"] == state["updated_at"]
    assert await queue(bruno) == [ticket]
    # It leaves the column alone when somebody answers.
    async with stage.db.transaction() as tx:
        await tx.execute(
            "UPDATE tickets SET status = 'answered', waiting_since = created_at"
        )
    assert (await shown(bruno, ticket))["waiting_since"] is None
    assert await queue(bruno) == []


async def test_the_migration_finds_out_since_when_customers_wait(
    make_database: MakeDatabase,
) -> None:
    database = await make_database(PROCESS)
    admin = await asyncpg.connect(
        database.owner_url, server_settings={"search_path": "tickets, public"}
    )
    try:
        await admin.execute("ALTER TABLE tickets DROP COLUMN waiting_since")
        await admin.execute(OLD_TICKETS)
        await admin.execute(MIGRATION)
        waits = await admin.fetch(
            "SELECT subject, extract(minute FROM waiting_since)::int AS minute"
            " FROM tickets ORDER BY subject"
        )
    finally:
        await admin.close()
    assert {row["subject"]: row["minute"] for row in waits} == {
        "answered": None,
        "asked again": 1,
        "asked after the answer": 4,
        "reopened": 9,
        "task": None,
    }


#: Tickets with what was said in them, at which minute and by whom.
OLD_TICKETS = """
INSERT INTO departments VALUES ('support', '{"en": "Support"}', 0, 4, 3, 2, 1);
CREATE TEMPORARY TABLE said (subject text, status text, minute int, kind text,
                             who text);
INSERT INTO said VALUES
    ('answered', 'answered', 1, 'public', 'customer'),
    ('answered', 'answered', 2, 'public', 'staff'),
    ('asked again', 'customer_reply', 1, 'public', 'customer'),
    ('asked again', 'customer_reply', 2, 'note', 'staff'),
    ('asked again', 'customer_reply', 3, 'public', 'customer'),
    ('asked after the answer', 'customer_reply', 1, 'public', 'customer'),
    ('asked after the answer', 'customer_reply', 3, 'public', 'system'),
    ('asked after the answer', 'customer_reply', 4, 'public', 'customer'),
    ('asked after the answer', 'customer_reply', 5, 'public', 'customer'),
    ('reopened', 'open', 1, 'public', 'customer'),
    ('reopened', 'open', 2, 'public', 'staff'),
    ('task', 'open', 1, 'note', 'system');
INSERT INTO tickets (id, protocol, customer_id, requester_id, internal, department,
                     subject, status, priority, version, created_at, updated_at,
                     cause_id)
SELECT gen_random_uuid(), '0000-0000-0' || row_number() OVER (), gen_random_uuid(),
       gen_random_uuid(), subject = 'task', 'support', subject, status, 'low', 1,
       '2026-01-01 00:00Z', '2026-01-01 00:09Z', 'test'
FROM (SELECT DISTINCT subject, status FROM said) AS tickets;
INSERT INTO messages (id, ticket_id, position, kind, author_kind, author_id,
                      author_name, text, at, cause_id)
SELECT gen_random_uuid(), t.id,
       row_number() OVER (PARTITION BY t.id ORDER BY s.minute), s.kind, s.who,
       CASE WHEN s.who <> 'system' THEN gen_random_uuid() END, 'Somebody', '…',
       timestamptz '2026-01-01 00:00Z' + make_interval(mins => s.minute), 'test'
FROM said s JOIN tickets t USING (subject);
"""
