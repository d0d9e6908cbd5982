"""Replies, answers, notes, closing: who sees what, and what is announced."""

from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

import pytest

from chassis.ids import uuid7
from chassis.money import Money
from contracts.events.billing import StaffTaskRaised
from services.billing.commands.payment_events import staff_task
from services.billing.domain.tasks import money_passed_over
from services.tickets.settings import SETTINGS
from tests.integration.tickets.stage import Person, Stage


async def opened_by(person: Person, **fields: object) -> str:
    answer = await person.open_ticket(**fields)
    assert answer.status == 201
    return answer.body["id"]


async def test_a_conversation_is_read_in_the_order_in_which_it_was_written(
    stage: Stage,
) -> None:
    ana, bruno = await stage.customer(), await stage.staff(name="Bruno Lima")
    ticket = await opened_by(ana)

    answer = await bruno.post(f"/staff/tickets/{ticket}/replies", {"message": "Hello"})
    reply = await ana.post(f"/tickets/{ticket}/replies", {"message": "Thanks"})
    shown = await ana.get(f"/tickets/{ticket}")

    assert (answer.status, reply.status) == (201, 201)
    assert shown.body["status"] == "customer_reply"
    assert [(m["author"]["kind"], m["author"]["name"]) for m in shown.body["messages"]][
        1:
    ] == [("staff", "Bruno Lima"), ("customer", "Ana Souza")]
    assert shown.body["messages"][1]["text"] == "Hello"
    assert shown.body["messages"][2]["id"] == reply.body["id"]
    assert await stage.types_of(ticket) == ["opened", "answered", "replied"]


async def test_an_answer_is_announced_with_its_text_for_the_mail(stage: Stage) -> None:
    ana, bruno = await stage.customer(), await stage.staff(name="Bruno Lima")
    ticket = await opened_by(ana)
    await bruno.post(f"/staff/tickets/{ticket}/replies", {"message": "Try again now"})
    answered = (await stage.emitted(ticket))[-1]
    assert answered.data["text"] == "Try again now"
    assert answered.data["author_name"] == "Bruno Lima"
    assert answered.data["status"] == "answered"


async def test_a_note_is_never_shown_to_the_customer_nor_announced(
    stage: Stage,
) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    ticket = await opened_by(ana)
    before = await bruno.get(f"/staff/tickets/{ticket}")

    note = await bruno.post(
        f"/staff/tickets/{ticket}/notes", {"message": "A difficult customer"}
    )

    assert note.status == 201
    assert note.body["kind"] == "note"
    assert "difficult" not in (await ana.get(f"/tickets/{ticket}")).content.decode()
    for_staff = await bruno.get(f"/staff/tickets/{ticket}")
    assert for_staff.body["messages"][-1]["text"] == "A difficult customer"
    assert for_staff.body["updated_at"] == before.body["updated_at"]
    assert await stage.types_of(ticket) == ["opened"]


async def test_closing_twice_changes_nothing(stage: Stage) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    ticket = await opened_by(ana)
    first = await ana.post(f"/tickets/{ticket}/close")
    second = await ana.post(f"/tickets/{ticket}/close")
    third = await bruno.post(f"/staff/tickets/{ticket}/close")
    assert first.body["status"] == "closed"
    assert second.body == first.body
    assert third.body["closed_at"] == first.body["closed_at"]
    assert await stage.types_of(ticket) == ["opened", "closed"]
    assert (await stage.emitted(ticket))[-1].data["closed_by"] == "customer"


async def test_a_reply_to_a_closed_ticket_opens_it_with_one_event(
    stage: Stage,
) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    ticket = await opened_by(ana)
    await bruno.post(f"/staff/tickets/{ticket}/close")
    await ana.post(f"/tickets/{ticket}/replies", {"message": "It is back"})
    shown = await ana.get(f"/tickets/{ticket}")
    assert shown.body["status"] == "customer_reply"
    assert shown.body["closed_at"] is None
    assert await stage.types_of(ticket) == ["opened", "closed", "replied"]


async def test_only_a_closed_ticket_is_reopened(stage: Stage) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    ticket = await opened_by(ana)
    untouched = await ana.post(f"/tickets/{ticket}/reopen")
    await ana.post(f"/tickets/{ticket}/close")
    reopened = await bruno.post(f"/staff/tickets/{ticket}/reopen")
    assert untouched.status == 200
    assert reopened.body["status"] == "open"
    assert await stage.types_of(ticket) == ["opened", "closed", "reopened"]


async def test_each_change_has_a_version_of_its_own(stage: Stage) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    ticket = await opened_by(ana)
    await bruno.post(f"/staff/tickets/{ticket}/replies", {"message": "one"})
    await bruno.post(f"/staff/tickets/{ticket}/notes", {"message": "aside"})
    await bruno.post(f"/staff/tickets/{ticket}/replies", {"message": "two"})
    await ana.post(f"/tickets/{ticket}/close")
    assert [e.version for e in await stage.emitted(ticket)] == [1, 2, 3, 4]


@pytest.mark.parametrize("action", ["replies", "close", "reopen"])
async def test_somebody_elses_ticket_is_not_there(stage: Stage, action: str) -> None:
    ana, eve = await stage.customer(), await stage.customer(name="Eve")
    ticket = await opened_by(ana)
    body = {"message": "let me in"} if action == "replies" else None
    foreign = await eve.post(f"/tickets/{ticket}/{action}", body)
    unknown = await eve.post(f"/tickets/{uuid7()}/{action}", body)
    assert foreign.status == unknown.status == 404
    assert foreign.body["type"] == unknown.body["type"]
    assert (await eve.get(f"/tickets/{ticket}")).status == 404
    assert (await eve.get("/tickets")).body["items"] == []
    assert await stage.types_of(ticket) == ["opened"]


async def test_people_of_one_customer_share_their_tickets(stage: Stage) -> None:
    ana = await stage.customer()
    ticket = await opened_by(ana)
    partner = await stage.partner_of(ana, name="Caio")
    await partner.post(f"/tickets/{ticket}/replies", {"message": "Me too"})
    shown = await ana.get(f"/tickets/{ticket}")
    assert shown.body["messages"][-1]["author"]["name"] == "Caio"


async def test_customers_have_no_way_to_staff_routes(stage: Stage) -> None:
    ana = await stage.customer()
    ticket = await opened_by(ana)
    assert (await ana.get("/staff/tickets")).status == 403
    assert (await ana.get(f"/staff/tickets/{ticket}")).status == 403
    for action in ("replies", "notes", "close", "reopen"):
        refused = await ana.post(f"/staff/tickets/{ticket}/{action}", {"message": "x"})
        assert refused.status == 403


async def test_reading_is_not_answering(stage: Stage) -> None:
    ana, reader = await stage.customer(), await stage.staff("tickets.read")
    ticket = await opened_by(ana)
    assert (await reader.get(f"/staff/tickets/{ticket}")).status == 200
    refused = await reader.post(f"/staff/tickets/{ticket}/notes", {"message": "x"})
    assert refused.status == 403


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("replies", {"message": ""}, "message"),
        ("replies", {"message": "x" * 20_001}, "message"),
        ("replies", {}, "message"),
        ("replies", {"message": "x", "attachment_ids": [1]}, "attachment_ids.0"),
        ("replies", {"message": "x", "internal": True}, "internal"),
        ("notes", {"message": " "}, "message"),
        ("notes", {"message": "x", "attachment_ids": []}, "attachment_ids"),
    ],
)
async def test_a_bad_field_of_a_message_is_named(
    stage: Stage, path: str, body: object, field: str
) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    ticket = await opened_by(ana)
    refused = await bruno.post(f"/staff/tickets/{ticket}/{path}", body)
    assert (refused.status, refused.fields) == (422, [field])
    if path == "replies":
        refused = await ana.post(f"/tickets/{ticket}/{path}", body)
        assert (refused.status, refused.fields) == (422, [field])
    assert len((await bruno.get(f"/staff/tickets/{ticket}")).body["messages"]) == 1


async def test_pages_follow_each_other_without_gaps_or_repeats(stage: Stage) -> None:
    ana = await stage.customer()
    opened = [await opened_by(ana, subject=f"Matter {n}") for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        query = {"limit": "2", "count": "true"} | ({"cursor": cursor} if cursor else {})
        page = await ana.get("/tickets", **query)
        assert page.body["total"] == 5
        seen += [ticket["id"] for ticket in page.body["items"]]
        cursor = page.body["next"]
    assert cursor is None
    assert seen == opened[::-1]


async def test_lists_are_filtered(stage: Stage) -> None:
    ana, bob = await stage.customer(), await stage.customer(name="Bob")
    bruno = await stage.staff()
    first = await opened_by(ana, subject="The site is down")
    second = await opened_by(ana, subject="A question of money", department="finance")
    third = await opened_by(bob, subject="100% of my mails are late")
    await ana.post(f"/tickets/{first}/close")
    protocol = (await bruno.get(f"/staff/tickets/{third}")).body["protocol"]

    async def found(person: Person, path: str, **query: str) -> list[str]:
        answer = await person.get(path, **query)
        assert answer.status == 200
        return [ticket["id"] for ticket in answer.body["items"]]

    assert await found(ana, "/tickets", status="closed") == [first]
    assert await found(ana, "/tickets", closed="false") == [second]
    staff = "/staff/tickets"
    assert await found(bruno, staff) == [third, second, first]
    assert await found(bruno, staff, customer_id=str(ana.customer_id)) == [
        second,
        first,
    ]
    assert await found(bruno, staff, department="finance") == [second]
    refused = await bruno.get(staff, department="gardening")
    assert (refused.status, refused.fields) == (422, ["department"])
    assert await found(bruno, staff, q="SITE is") == [first]
    assert await found(bruno, staff, q="100% of") == [third]
    assert await found(bruno, staff, q="%") == [third]
    assert await found(bruno, staff, q=protocol.replace("-", "").lower()) == [third]


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"limit": "0"}, 422, "limit"),
        ({"limit": "101"}, 422, "limit"),
        ({"status": "lost"}, 422, "status"),
        ({"color": "red"}, 422, "color"),
        ({"cursor": "nonsense"}, 400, None),
    ],
)
async def test_a_bad_query_is_refused(
    stage: Stage, query: dict[str, str], status: int, field: str | None
) -> None:
    ana = await stage.customer()
    refused = await ana.get("/tickets", **query)
    assert refused.status == status
    assert refused.fields == ([field] if field else [])


async def test_staff_sees_whose_ticket_it_is(stage: Stage) -> None:
    ana, bruno = await stage.customer(name="Ana Souza"), await stage.staff()
    ticket = await opened_by(ana)
    shown = await bruno.get(f"/staff/tickets/{ticket}")
    assert shown.body["customer_name"] == "Ana Souza"
    assert shown.body["customer_id"] == str(ana.customer_id)
    assert shown.body["internal"] is False


def a_task(**fields: object) -> StaffTaskRaised:
    return StaffTaskRaised.model_validate(
        {
            "version": 1,
            "task_id": uuid7(),
            "customer_id": None,
            "department": "finance",
            "title": "Money for a void invoice",
            "details": "Payment TR-1 became credit.",
            **fields,
        }
    )


async def test_a_staff_task_becomes_one_internal_ticket(stage: Stage) -> None:
    bruno = await stage.staff()
    task = a_task()
    await stage.deliver(task, times=3)
    await stage.deliver(task)  # the same task under another event id

    listed = await bruno.get("/staff/tasks", count="true")

    assert listed.body["total"] == 1
    [ticket] = listed.body["items"]
    assert (ticket["subject"], ticket["internal"]) == (task.title, True)
    shown = await bruno.get(f"/staff/tickets/{ticket['id']}")
    assert shown.body["messages"][0]["text"] == task.details
    assert (await bruno.get("/staff/tickets")).body["items"] == []


async def test_a_staff_task_is_written_in_the_language_of_the_house(
    stage: Stage,
) -> None:
    bruno = await stage.staff()
    asked = money_passed_over(
        "CA-7",
        received=Money(10000, "BRL"),
        credited=Money(2500, "BRL"),
        invoices=["2026-000001"],
    )
    with staff_reads(stage, "pt-BR"):
        await stage.deliver(staff_task(asked, customer_id=uuid7(), invoice_id=None))
        await stage.deliver(a_task(title_template="Nobody {knows}", values={"x": 1}))
    unknown, known = (await bruno.get("/staff/tasks")).body["items"]
    assert known["subject"] == "O pagamento CA-7 chegou para o que já não pode pagar"
    shown = await bruno.get(f"/staff/tickets/{known['id']}")
    text = shown.body["messages"][0]["text"].replace("\N{NO-BREAK SPACE}", " ")
    assert "R$ 25,00 viraram crédito do cliente" in text
    assert unknown["subject"] == "Money for a void invoice"


@contextmanager
def staff_reads(stage: Stage, language: str) -> Generator[None]:
    """Let the process be set up for staff of that language."""
    own = stage.resources[SETTINGS]
    stage.resources[SETTINGS] = own.model_copy(update={"staff_language": language})
    yield
    stage.resources[SETTINGS] = own


async def test_a_staff_task_is_shown_to_nobody_else_and_not_announced(
    stage: Stage,
) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    await stage.deliver(a_task(customer_id=ana.customer_id))
    [ticket] = (await bruno.get("/staff/tasks")).body["items"]
    path = f"/staff/tickets/{ticket['id']}"

    refused = await bruno.post(f"{path}/replies", {"message": "Dear customer"})
    note = await bruno.post(f"{path}/notes", {"message": "Refunded"})
    closed = await bruno.post(f"{path}/close")

    assert refused.status == 409
    assert (note.status, closed.body["status"]) == (201, "closed")
    assert (await ana.get(f"/tickets/{ticket['id']}")).status == 404
    assert (await ana.get("/tickets")).body["items"] == []
    assert await stage.emitted(UUID(ticket["id"])) == []


async def test_a_task_for_an_unknown_department_goes_to_the_default_one(
    stage: Stage,
) -> None:
    bruno = await stage.staff()
    await stage.deliver(a_task(department="gardening"))
    [ticket] = (await bruno.get("/staff/tasks")).body["items"]
    assert ticket["department"] == "finance"


async def test_a_full_ticket_takes_no_more_messages(stage: Stage) -> None:
    ana = await stage.customer()
    ticket = await opened_by(ana)
    async with stage.db.transaction() as tx:
        await tx.execute(
            "UPDATE messages SET position = 500 WHERE ticket_id = $1", UUID(ticket)
        )
    refused = await ana.post(f"/tickets/{ticket}/replies", {"message": "one more"})
    assert refused.status == 409
    assert "500 messages" in refused.body["title"]


async def test_what_was_done_is_in_the_audit_log(stage: Stage) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    ticket = await opened_by(ana)
    await bruno.post(f"/staff/tickets/{ticket}/notes", {"message": "hm"})
    await bruno.post(f"/staff/tickets/{ticket}/close")
    async with stage.db.reading() as tx:
        rows = await tx.fetch(
            "SELECT actor, action FROM audit_log WHERE subject = $1 ORDER BY id",
            UUID(ticket),
        )
    assert [(row["actor"], row["action"]) for row in rows] == [
        (ana.principal.actor, "ticket.opened"),
        (bruno.principal.actor, "ticket.noted"),
        (bruno.principal.actor, "ticket.closed"),
    ]
