"""The whole process: its events reach their readers, and others reach it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest

from chassis.ids import uuid7
from contracts.events.billing import ClockMoved
from services.accounts.app import PROCESS
from tests.conftest import MakeQueues
from tests.integration.accounts.stage import LINK_KEY, registration, settings
from tests.support.databases import ServiceDatabase
from tests.support.running import Running, running

WAIT_SECONDS = 60


@pytest.fixture
async def process(
    database: ServiceDatabase, make_queues: MakeQueues
) -> AsyncIterator[Running]:
    async with running(
        PROCESS,
        database_url=database.url,
        amqp_url=await make_queues(PROCESS),
        signing_key=settings().signing_key,
        link_key=LINK_KEY,
        sandbox_clock=True,
    ) as started:
        yield started


async def _received(amqp_url: str, queue: str, count: int) -> list[dict[str, Any]]:
    """Return the first messages that arrive in the queue."""
    received: list[dict[str, Any]] = []
    connection = await aio_pika.connect(amqp_url)
    async with connection, asyncio.timeout(WAIT_SECONDS):
        channel = await connection.channel()
        messages = await channel.get_queue(queue)
        async with messages.iterator(no_ack=True) as arriving:
            async for message in arriving:
                received.append(json.loads(message.body))
                if len(received) == count:
                    break
    return received


async def test_a_registration_reaches_notifier_with_its_cause(process: Running) -> None:
    async with process.client.post(
        "/api/v1/customers", json=registration(), headers={"X-Request-Id": "request-1"}
    ) as answer:
        assert answer.status == 201
        customer_id = (await answer.json())["id"]
    arrived = await _received(process.settings.amqp_url, "notifier", 2)
    by_type = {event["type"]: event for event in arrived}
    registered = by_type["accounts.customer.registered.v1"]
    assert registered["subject"] == registered["data"]["customer_id"] == customer_id
    assert registered["correlationid"] == registered["causationid"] == "request-1"
    assert "accounts.email_verification.requested.v1" in by_type


async def test_the_business_clock_follows_billing_and_sessions_do_not(
    process: Running,
) -> None:
    moved = ClockMoved(version=1, clock_id=uuid7(), shift_seconds=86400.0)
    await process.announce(moved)
    async with asyncio.timeout(WAIT_SECONDS):
        while not process.clock.shift:
            await asyncio.sleep(0.05)
    body = registration()
    async with process.client.post("/api/v1/customers", json=body) as answer:
        assert answer.status == 201
    credentials = {"email": body["email"], "password": body["password"]}
    async with process.client.post("/api/v1/sessions", json=credentials) as answer:
        assert answer.status == 201
        token = (await answer.json())["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    async with process.client.get("/api/v1/me", headers=headers) as answer:
        assert answer.status == 200


async def test_the_process_is_ready_once_it_is_migrated(process: Running) -> None:
    async with process.client.get("/health/ready") as answer:
        assert answer.status == 200
