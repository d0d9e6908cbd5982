"""The live stream: who hears of what, and how it is told."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from chassis.http import Principal
from gateway.stream import STREAMS
from gateway.stream.stream import Stream
from tests.integration.gateway.announcing import Announcer
from tests.integration.gateway.happenings import (
    AMOUNT,
    SAID,
    a_payment_succeeded,
    a_staff_task,
    a_ticket_answered,
    an_invoice_paid,
)
from tests.integration.gateway.listening import HEAR_SECONDS, customer_of, listening
from tests.support.running import Running
from tests.support.tokens import a_customer, a_staff_member, bearer

ANSWERED = "tickets.ticket.answered"
PAID = "billing.invoice.paid"
SUCCEEDED = "billing.payment.succeeded"
TASK = "billing.staff_task.raised"
ALL_OF_STAFF = ("tickets.read", "invoices.read", "payments.read")


async def test_an_answer_is_heard_by_its_customer_as_it_happens(
    gateway: Running, announcer: Announcer, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken = Stream.woken

    async def wait_long(stream: Stream, *, within: float) -> None:
        """Wait for something to tell: the next sign of life comes too late."""
        await woken(stream, within=within + 2 * HEAR_SECONDS)

    monkeypatch.setattr(Stream, "woken", wait_long)
    somebody = a_customer()
    async with listening(gateway.client, somebody) as ear:
        answered = a_ticket_answered(customer_of(somebody))
        before = datetime.now(UTC)
        await announcer.announce(answered)
        heard = await ear.next()
    assert heard.event == heard.data["type"] == ANSWERED
    assert heard.data["subject"] == str(answered.ticket_id)
    at = datetime.fromisoformat(heard.data["at"])
    assert before <= at <= datetime.now(UTC)
    assert heard.data["related"] == {
        "customer_id": None,
        "ticket_id": str(answered.ticket_id),
        "payment_id": None,
        "invoice_ids": [str(answered.invoice_id)],
        "service_ids": [str(answered.service_ids[0])],
    }


async def test_everybody_hears_what_is_theirs_and_open_to_them_and_nothing_else(
    gateway: Running, announcer: Announcer
) -> None:
    owner = a_customer()
    theirs = customer_of(owner)
    listeners: list[tuple[Principal, list[str]]] = [
        (owner, [ANSWERED, PAID, SUCCEEDED]),
        (a_customer("tickets", customer_id=theirs), [ANSWERED]),
        (a_customer("billing", customer_id=theirs), [PAID, SUCCEEDED]),
        (a_customer("services", customer_id=theirs), []),
        (a_customer(), []),
        (a_staff_member("tickets.read"), [ANSWERED, TASK, TASK]),
        (a_staff_member("invoices.read"), [PAID]),
        (a_staff_member("payments.read"), [SUCCEEDED]),
        (a_staff_member("customers.read"), []),
    ]
    async with AsyncExitStack() as stack:
        ears = [
            await stack.enter_async_context(listening(gateway.client, person))
            for person, _ in listeners
        ]
        await announcer.announce(
            a_ticket_answered(theirs),
            an_invoice_paid(theirs),
            a_payment_succeeded(theirs),
            a_staff_task(theirs),
            a_staff_task(None),
        )
        witness = ears[5]
        assert await witness.next_few(3) == [ANSWERED, TASK, TASK]
        # A reset is heard by all, after everything else.
        gateway.resources[STREAMS].reset()
        assert await witness.next_few(1) == ["reset"]
        for ear, (_, expected) in zip(ears, listeners, strict=True):
            if ear is not witness:
                assert await ear.until("reset") == expected


async def test_only_ids_are_told_and_whose_they_are_to_staff_alone(
    gateway: Running, announcer: Announcer
) -> None:
    somebody = a_customer()
    theirs = customer_of(somebody)
    events = [
        a_ticket_answered(theirs),
        an_invoice_paid(theirs),
        a_payment_succeeded(theirs),
    ]
    async with (
        listening(gateway.client, a_staff_member(*ALL_OF_STAFF)) as staff,
        listening(gateway.client, somebody) as customer,
    ):
        await announcer.announce(*events)
        for_staff = [await staff.next() for _ in events]
        for_customer = [await customer.next() for _ in events]
    for heard in (*for_staff, *for_customer):
        for word in (SAID, "@", "subject line", "7K3M", "proof", "line says", "2026-0"):
            assert word not in heard.raw
        assert AMOUNT.amount not in heard.raw
    assert all(
        heard.data["related"]["customer_id"] == str(theirs) for heard in for_staff
    )
    assert not any(str(theirs) in heard.raw for heard in for_customer)
    payment = for_customer[2].data["related"]
    assert payment["payment_id"] == for_customer[2].data["subject"]
    assert payment["ticket_id"]
    assert len(payment["invoice_ids"]) == 1
    assert len(for_customer[1].data["related"]["service_ids"]) == 1


async def test_what_is_published_twice_is_told_once_and_old_states_never(
    gateway: Running, announcer: Announcer
) -> None:
    somebody = a_customer()
    first, last = (a_ticket_answered(customer_of(somebody)) for _ in range(2))
    async with listening(gateway.client, somebody) as ear:
        await announcer.announce(first)
        assert (await ear.next()).data["subject"] == str(first.ticket_id)
        await announcer.publish_again()
        await announcer.republish(first)
        await announcer.announce(last)
        assert (await ear.next()).data["subject"] == str(last.ticket_id)


async def test_a_stream_is_passed_on_at_once_and_kept_by_nobody(
    gateway: Running,
) -> None:
    headers = {"Accept-Encoding": "gzip, br"}
    async with listening(gateway.client, a_customer(), **headers) as ear:
        assert ear.answer.content_type == "text/event-stream"
        assert ear.answer.headers["Cache-Control"] == "no-store"
        assert ear.answer.headers["X-Accel-Buffering"] == "no"
        assert "Content-Encoding" not in ear.answer.headers
        assert ear.retry
        await ear.heartbeat()


async def test_asking_for_the_headers_alone_opens_nothing(gateway: Running) -> None:
    headers = bearer(a_customer())
    async with gateway.client.head("/api/v1/stream", headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        assert await answer.read() == b""


async def test_nobody_listens_without_a_token(gateway: Running) -> None:
    async with gateway.client.get("/api/v1/stream") as answer:
        assert answer.status == 401
        assert answer.content_type == "application/problem+json"


async def test_the_stream_is_in_the_api_document(gateway: Running) -> None:
    async with gateway.client.get("/api/v1/openapi.json") as answer:
        document = await answer.json()
    operation = document["paths"]["/api/v1/stream"]["get"]
    schema = operation["responses"]["200"]["content"]["text/event-stream"]["schema"]
    assert schema["contentSchema"]["$ref"].endswith("/StreamEventView")
    assert "StreamEventView" in document["components"]["schemas"]
    assert operation["parameters"][0]["name"] == "Last-Event-ID"
