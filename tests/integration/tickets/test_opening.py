"""Opening a ticket: complete or not at all, once, and about one's own things."""

import asyncio
import re
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from chassis.http import waiting
from chassis.http.waiting import WaitingRoom
from chassis.ids import uuid7
from services.tickets.commands import protocols
from tests.integration.tickets.stage import Stage, a_request, a_service, an_invoice


async def count(stage: Stage, table: str) -> int:
    counted = {
        "tickets": "SELECT count(*) FROM tickets",
        "messages": "SELECT count(*) FROM messages",
        "outbox": "SELECT count(*) FROM outbox",
        "sent": "SELECT count(*) FROM attachments WHERE message_id IS NOT NULL",
    }
    async with stage.db.reading() as tx:
        return await tx.fetchval(counted[table])  # pyright: ignore[reportArgumentType] - one of the literals above


async def test_an_opened_ticket_can_be_read_back_whole(stage: Stage) -> None:
    ana = await stage.customer()
    service, invoice = await stage.service_of(ana), await stage.invoice_of(ana)
    file = await ana.upload()

    opened = await ana.open_ticket(
        department="finance",
        service_ids=[str(service)],
        invoice_id=str(invoice),
        attachment_ids=[file.body["id"]],
    )

    assert opened.status == 201
    protocol = opened.body["protocol"]
    assert re.fullmatch(
        r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}", protocol
    )
    shown = await ana.get(f"/tickets/{opened.body['id']}")
    assert shown.body | opened.body == shown.body
    assert shown.body["status"] == "open"
    assert shown.body["service_ids"] == [str(service)]
    assert shown.body["invoice_id"] == str(invoice)
    [message] = shown.body["messages"]
    assert message["author"] == {"kind": "customer", "name": "Ana Souza"}
    assert message["text"] == a_request()["message"]
    assert message["attachments"] == [file.body]


async def test_opening_is_announced_with_the_text_and_the_names_of_files(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    file = await ana.upload("proof.png")
    opened = await ana.open_ticket(attachment_ids=[file.body["id"]])
    [event] = await stage.emitted(opened.body["id"])
    assert event.type == "tickets.ticket.opened.v1"
    assert event.version == 1
    assert event.data["protocol"] == opened.body["protocol"]
    assert event.data["text"] == a_request()["message"]
    assert event.data["attachment_names"] == ["proof.png"]
    assert event.data["requester_id"] == str(ana.principal.user_id)
    assert event.data["author_name"] == "Ana Souza"


BAD_FIELDS: list[tuple[str, Any]] = [
    ("department", None),
    ("department", "gardening"),
    ("department", 1),
    ("subject", "ab"),
    ("subject", "  ab  "),
    ("subject", "x" * 151),
    ("subject", "two\nlines"),
    ("message", ""),
    ("message", "   "),
    ("message", "x" * 20_001),
    ("message", "a\x00b"),
    ("priority", "whenever"),
    ("service_ids", "all"),
    ("service_ids.0", ["not-an-id"]),
    ("service_ids", [str(uuid7()) for _ in range(21)]),
    ("service_ids", ["01980000-0000-7000-8000-000000000001"] * 2),
    ("invoice_id", "2026-000123"),
    ("attachment_ids", [str(uuid7()) for _ in range(11)]),
    ("attachment_ids.0", [str(uuid7())]),
    ("cc", ["bob@example.com"]),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
async def test_a_bad_field_is_named_and_opens_nothing(
    stage: Stage, field: str, value: object
) -> None:
    ana = await stage.customer()
    before = await count(stage, "tickets")
    refused = await ana.open_ticket(**{field.partition(".")[0]: value})
    assert refused.status == 422
    assert refused.fields == [field]
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    assert await count(stage, "tickets") == before


@pytest.mark.parametrize("field", ["department", "subject", "message", "priority"])
async def test_a_missing_field_is_named(stage: Stage, field: str) -> None:
    ana = await stage.customer()
    request = a_request()
    del request[field]
    refused = await ana.post("/tickets", request)
    assert (refused.status, refused.fields) == (422, [field])


async def test_foreign_and_unknown_things_are_refused_alike(stage: Stage) -> None:
    ana, bob = await stage.customer(), await stage.customer(name="Bob")
    own = await stage.service_of(ana)
    foreign_service = await stage.service_of(bob)
    foreign_invoice = await stage.invoice_of(bob)

    foreign = await ana.open_ticket(
        service_ids=[str(own), str(foreign_service)], invoice_id=str(foreign_invoice)
    )
    unknown = await ana.open_ticket(
        service_ids=[str(own), str(uuid7())], invoice_id=str(uuid7())
    )

    assert foreign.status == unknown.status == 422
    assert foreign.fields == unknown.fields == ["service_ids.1", "invoice_id"]
    assert foreign.body["errors"] == unknown.body["errors"]


async def test_a_service_that_is_just_being_told_of_is_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await stage.customer()
    await stage.mark("billing", complete=False)
    service, invoice = a_service(ana.customer_id), an_invoice(ana.customer_id)
    waiting_begun, wait_for = asyncio.Event(), WaitingRoom.wait_for

    async def noting(*args: Any, **kwargs: Any) -> Any:
        if kwargs["of"] == "billing":
            waiting_begun.set()
        return await wait_for(*args, **kwargs)

    monkeypatch.setattr(WaitingRoom, "wait_for", noting)
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(
            ana.open_ticket(
                service_ids=[str(service.service_id)],
                invoice_id=str(invoice.invoice_id),
            )
        )
        await asyncio.wait_for(waiting_begun.wait(), timeout=60)
        await stage.deliver(service)
        await stage.deliver(invoice)

    assert opening.result().status == 201


async def test_a_lagging_billing_is_an_honest_503(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 0.1)
    ana = await stage.customer()
    await stage.mark("billing", complete=False)
    refused = await ana.open_ticket(invoice_id=str(uuid7()))
    assert refused.status == 503
    assert "Retry-After" in refused.headers


async def test_sixty_four_clicks_with_one_key_open_one_ticket(stage: Stage) -> None:
    ana = await stage.customer()
    request = a_request()
    answers = await asyncio.gather(
        *(ana.post("/tickets", request, key="double-click") for _ in range(64))
    )
    again = await ana.post("/tickets", request, key="double-click")

    assert again.status == 201
    assert Counter(a.status for a in answers).keys() <= {201, 409, 503}
    protocols_given = {a.body["protocol"] for a in answers if a.status == 201}
    assert protocols_given == {again.body["protocol"]}
    listed = await ana.get("/tickets", count="true")
    assert listed.body["total"] == 1


async def test_a_key_is_not_shared_by_two_requests(stage: Stage) -> None:
    ana = await stage.customer()
    await ana.post("/tickets", a_request(), key="once")
    other = await ana.post("/tickets", a_request(subject="Another"), key="once")
    assert other.status == 422


async def test_a_protocol_that_was_given_is_drawn_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([7, 7, 7, 8])

    def draw(limit: int) -> int:
        assert limit == 32**10
        return next(drawn)

    monkeypatch.setattr(protocols.secrets, "randbelow", draw)
    ana = await stage.customer()
    first, second = await ana.open_ticket(), await ana.open_ticket()
    assert first.body["protocol"] == "0000-0000-07"
    assert second.body["protocol"] == "0000-0000-08"


async def test_a_ticket_with_an_unusable_file_is_not_half_opened(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    service = await stage.service_of(ana)
    good = await ana.upload()
    tables = ("tickets", "messages", "outbox", "sent")
    before = [await count(stage, table) for table in tables]

    refused = await ana.open_ticket(
        service_ids=[str(service)], attachment_ids=[good.body["id"], str(uuid7())]
    )

    assert (refused.status, refused.fields) == (422, ["attachment_ids.1"])
    assert [await count(stage, table) for table in tables] == before
    kept = await ana.open_ticket(attachment_ids=[good.body["id"]])
    assert kept.status == 201


async def test_one_without_the_right_opens_nothing(stage: Stage) -> None:
    accountant = await stage.customer("billing")
    clerk = await stage.staff()
    assert (await accountant.open_ticket()).status == 403
    assert (await clerk.open_ticket()).status == 403


async def test_a_caller_whom_accounts_never_told_of_may_try_again(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    async with stage.db.transaction() as tx:
        await tx.execute("DELETE FROM customers WHERE id = $1", ana.customer_id)
    assert (await ana.open_ticket()).status == 503


async def test_departments_are_shown_in_the_callers_language(stage: Stage) -> None:
    ana = await stage.customer(language="pt-BR")
    listed = await ana.get("/departments")
    assert [(d["slug"], d["name"]) for d in listed.body["items"]] == [
        ("support", "Suporte"),
        ("finance", "Financeiro"),
    ]
    assert listed.body["items"][0]["expected_answer"] == {
        "low": 2880,
        "medium": 1440,
        "high": 240,
        "urgent": 30,
    }


async def test_departments_are_shown_in_the_wanted_language(stage: Stage) -> None:
    ana = await stage.customer()
    for language, name in (("en", "Support"), ("pt-BR", "Suporte")):
        listed = await ana.get("/departments", language=language)
        assert listed.body["items"][0]["name"] == name


async def test_departments_come_in_pages_like_every_list(stage: Stage) -> None:
    ana = await stage.customer()
    first = await ana.get("/departments", limit="1", count="true")
    assert [d["slug"] for d in first.body["items"]] == ["support"]
    assert first.body["total"] == 2
    second = await ana.get("/departments", limit="1", cursor=first.body["next"])
    assert [d["slug"] for d in second.body["items"]] == ["finance"]
    assert second.body["next"] is None


async def test_a_ticket_is_never_deleted(stage: Stage) -> None:
    ana = await stage.customer()
    opened = await ana.open_ticket()
    with pytest.raises(Exception, match="append-only"):
        async with stage.db.transaction() as tx:
            await tx.execute(
                "DELETE FROM tickets WHERE id = $1", UUID(opened.body["id"])
            )
