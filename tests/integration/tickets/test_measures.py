"""Operators see who waits for an answer, and for how many it is late."""

from datetime import timedelta

from services.tickets.measures import measure
from tests.integration.tickets.stage import Person, Stage
from tests.support.measured import measure_by, told


async def opened_by(person: Person, **fields: object) -> str:
    answer = await person.open_ticket(**fields)
    assert answer.status == 201, answer.body
    return answer.body["id"]


async def waiting_and_late(stage: Stage) -> tuple[float | None, float | None]:
    await measure_by(measure, stage.db, stage.clock)
    return (
        told("tickets_awaiting_answer", department="support"),
        told("tickets_answer_overdue", department="support"),
    )


async def test_a_ticket_waits_then_is_late_then_answered(stage: Stage) -> None:
    assert await waiting_and_late(stage) == (0, 0)
    ana, bruno = await stage.customer(), await stage.staff()
    ticket = await opened_by(ana, priority="urgent")  # due after 30 minutes
    await opened_by(ana, priority="low")  # after 2,880
    assert await waiting_and_late(stage) == (2, 0)
    stage.clock.shift += timedelta(minutes=31)
    assert await waiting_and_late(stage) == (2, 1)
    answer = await bruno.post(f"/staff/tickets/{ticket}/replies", {"message": "Done."})
    assert answer.status == 201, answer.body
    assert await waiting_and_late(stage) == (1, 0)


async def test_departments_in_which_nobody_waits_are_told_too(stage: Stage) -> None:
    await measure_by(measure, stage.db, stage.clock)
    assert told("tickets_awaiting_answer", department="finance") == 0
    assert told("staff_tasks_open", department="finance") == 0
