"""A process as operators meet it: settings, health, parts, and its end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from chassis import health as chassis_health
from chassis import running as chassis_running
from chassis import tokens
from chassis.consumers import SubscriptionMismatch
from chassis.db import Transaction
from chassis.migrations import Migration, migrations_of
from chassis.process import CLOCK, VERIFIER, Resources
from chassis.running import ConsumersGone
from chassis.settings import ProcessSettings, SettingsWrong, load_settings, require
from chassis.tokens import PublishedKeys, TokenVerifier
from tests.integration.chassis.probe.app import (
    PROCESS,
    ThingChanged,
    ThingUnread,
    ThingView,
    find_thing,
)
from tests.integration.chassis.queues import delete_queue, is_consumed
from tests.integration.chassis.stage import Stage, a_change, until
from tests.support.running import Running, running
from tests.support.tokens import ISSUER, JWKS


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("HTTP_PORT", "seventy", "HTTP_PORT: "),
        ("PARTS", "http,kitchen", "PARTS: "),
        ("POOL_SIZE", "0", "POOL_SIZE: "),
        ("KEEP_OUTBOX_DAYS", "91", "KEEP_INBOX_DAYS: is 90, and must be no less"),
    ],
)
def test_a_wrong_setting_stops_the_process_with_its_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsWrong, match=complaint):
        load_settings(ProcessSettings)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(SettingsWrong, match="DATABASE_URL: is not set"):
        require(ProcessSettings(), "database_url")


def test_secrets_may_lie_in_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "database_url").write_text("postgres://localhost/here")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    assert load_settings(ProcessSettings).database_url == "postgres://localhost/here"


async def test_a_process_is_live_and_ready_and_measured(stage: Stage) -> None:
    async with stage.running("http", "relay", "consumers") as probe:
        await stage.emit(a_change())
        await stage.quiet()
        assert await health(probe, "live") == (200, {"status": "live"})
        assert await health(probe, "ready") == (
            200,
            {"status": "ready", "missing": [], "degraded": []},
        )
        metrics = await (await probe.client.get("/metrics")).text()
    handled = 'events_handled_total{consumer="probe",type="probe.thing.changed.v1"}'
    assert handled in metrics
    assert "outbox_waiting_rows 0.0" in metrics
    assert 'event_lag_seconds_count{consumer="probe"}' in metrics


async def test_readiness_names_the_migrations_that_are_missing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(package: str) -> list[Migration]:
        return [*migrations_of(package), Migration("0099_new", "")]

    monkeypatch.setattr(chassis_health, "migrations_of", later)
    async with stage.running("http") as probe:
        status, body = await health(probe, "ready")
    assert (status, body["missing"]) == (503, ["migration 0099_new"])


async def test_a_process_is_ready_once_it_can_judge_tokens(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "FIRST_RETRY_SECONDS", 0.05)
    accounts_is_up = asyncio.Event()

    async def fetch() -> object:
        if not accounts_is_up.is_set():
            raise ConnectionRefusedError
        return JWKS

    @asynccontextmanager
    async def open_resources(
        resources: Resources, _: ProcessSettings
    ) -> AsyncGenerator[None]:
        resources[VERIFIER] = TokenVerifier(
            PublishedKeys(fetch), issuer=ISSUER, clock=resources[CLOCK]
        )
        yield

    starting = replace(PROCESS, resources=open_resources)
    url, parts = stage.database.url, frozenset({"http"})
    async with running(starting, database_url=url, parts=parts) as probe:
        unready = {"status": "unready", "missing": ["signing keys"], "degraded": []}
        assert await health(probe, "ready") == (503, unready)
        accounts_is_up.set()

        async def is_ready() -> bool:
            return (await health(probe, "ready"))[0] == 200

        await until(is_ready)


async def test_readiness_names_a_database_that_is_away() -> None:
    nowhere = "postgres://nobody:x@127.0.0.1:9/nothing"
    settings = {"database_url": nowhere, "parts": frozenset({"http"})}
    async with running(PROCESS, **settings) as probe:
        assert await health(probe, "live") == (200, {"status": "live"})
        status, body = await health(probe, "ready")
    assert (status, body["missing"]) == (503, ["database"])


async def test_only_the_parts_that_are_named_run(stage: Stage) -> None:
    async with stage.running("relay") as relay:
        await stage.emit(a_change())
        await until(stage.all_published)
        assert (await relay.client.get("/api/v1/things/x")).status == 404
        assert (await health(relay, "ready"))[0] == 200
    assert await stage.effects() == []


async def test_sigterm_answers_the_requests_in_hand(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = asyncio.Event()

    async def look(tx: Transaction, thing_id: UUID) -> ThingView | None:
        found = await find_thing(tx, thing_id)
        looked.set()
        return found

    monkeypatch.setattr("tests.integration.chassis.probe.app.find_thing", look)
    change = a_change()
    parts = ("http", "relay", "consumers")
    async with stage.running(*parts, relay_delay_seconds=0.5) as probe:
        # Requests are taken before; stopped by then, it would never hear of events.
        await until(partial(is_consumed, stage))
        await stage.emit(change)
        request = asyncio.create_task(
            probe.client.get(f"/api/v1/things/{change.thing_id}")
        )
        await looked.wait()
        await probe.stop()
        assert (await request).status == 200


async def test_a_process_whose_consumers_are_gone_ends(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chassis_running, "WATCHDOG_SECONDS", 1)
    with pytest.RaisesGroup(pytest.RaisesExc(ConsumersGone)):
        async with stage.running("consumers") as probe:
            await delete_queue(stage.amqp_url, "probe")
            async with asyncio.timeout(60):
                await asyncio.wait([probe.serving])


async def test_a_subscription_without_a_handler_stops_the_start(stage: Stage) -> None:
    with pytest.raises(SubscriptionMismatch, match="unread"):
        async with running(
            replace(PROCESS, subscriptions={"probe": (ThingChanged, ThingUnread)}),
            database_url=stage.database.url,
            amqp_url=stage.amqp_url,
            parts=frozenset({"consumers"}),
        ):
            pass


async def test_migrate_makes_schema_and_queues_and_may_be_repeated(
    stage: Stage, bare_amqp_url: str
) -> None:
    bare = replace(stage, amqp_url=bare_amqp_url)
    for _ in range(2):
        assert await bare.command("migrate") == [{"applied": []}]
    change = a_change()
    async with bare.running("relay", "consumers"):
        await bare.emit(change)
        await bare.quiet()
    assert await bare.effects() == [(change.thing_id, 1)]


async def test_the_commands_tell_what_is_asked(stage: Stage) -> None:
    [document] = await stage.command("openapi")
    assert "/api/v1/things/{thing_id}" in document["paths"]
    [report] = await stage.command("audit")
    assert report["agrees"] is True


async def health(probe: Running, kind: str) -> tuple[int, dict[str, object]]:
    response = await probe.client.get(f"/health/{kind}")
    return response.status, await response.json()
