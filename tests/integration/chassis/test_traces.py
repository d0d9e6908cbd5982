"""What is done for one request is one trace, wherever it is done; nobody is in it."""

from collections.abc import AsyncGenerator
from functools import partial

import pytest

from chassis.context import Cause
from chassis.errors import Unavailable
from chassis.tracing import recorder, traced
from deploy.local.ports import free_ports
from deploy.traces import Collector, SeenSpan
from tests.integration.chassis.stage import (
    Stage,
    a_change,
    are_more_than,
    count_looks,
    until,
)
from tests.support.running import Running

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7"
PUBLISHED = "publish probe.thing.changed.v1"
HANDLED = "handle probe.thing.changed.v1"
ALL_OF_A_CLICK = ("click", "INSERT outbox", PUBLISHED, HANDLED, "INSERT effects")


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Collector]:
    collector, port = Collector(), free_ports(1)[0]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    async with collector.listening(port):
        yield collector


async def click(probe: Running, *, sampled: bool = True, **change: str) -> None:
    """Do what a route does: change something, and announce it."""
    cause = Cause("r1", "r1", "customer:secret-actor", f"{GIVEN}-0{sampled:d}")
    cause_address = "203.0.113.77"
    with traced(cause, "click", "server", {}):
        async with probe.db.transaction() as tx:
            await tx.execute("SELECT set_config('a.b', $1, true)", cause_address)
            event = a_change(**change)  # pyright: ignore[reportArgumentType] - faults are texts here
            await tx.emit(event.model_copy(update={"name": "secret-name"}))


def spans(collector: Collector) -> dict[str, SeenSpan]:
    trace = collector.traces.get(TRACE)
    return {span.name: span for span in trace.spans} if trace else {}


async def heard(collector: Collector, *names: str) -> bool:
    return set(names) <= set(spans(collector))


async def test_request_statements_publishing_and_handling_are_one_trace(
    collector: Collector, stage: Stage
) -> None:
    async with stage.running("relay", "consumers") as probe:
        await click(probe)
        await until(partial(heard, collector, *ALL_OF_A_CLICK))
    seen = spans(collector)
    published = seen[PUBLISHED]
    assert seen["INSERT outbox"].parent_id == seen["click"].span_id
    assert published.parent_id == seen["click"].span_id
    assert seen[HANDLED].parent_id == seen["click"].span_id
    assert seen["INSERT effects"].parent_id == seen[HANDLED].span_id
    assert {span.process for span in seen.values()} == {"probe"}
    assert not any(span.failed for span in seen.values())


async def test_a_failed_handling_says_what_kind_of_error_and_not_its_text(
    collector: Collector, stage: Stage
) -> None:
    async with stage.running("relay", "consumers") as probe:
        await click(probe, fault="always")
        await until(partial(heard, collector, HANDLED))
    handled = spans(collector)[HANDLED]
    assert handled.failed
    assert handled.attributes["error.type"] == "RuntimeError"
    assert "always fails" not in str(collector.traces[TRACE])


async def test_spans_hold_no_values_and_nobody(
    collector: Collector, stage: Stage
) -> None:
    async with stage.running("relay", "consumers") as probe:
        await click(probe)
        await until(partial(heard, collector, HANDLED))
    told = str(collector.traces[TRACE])
    assert "$1" in told
    for secret in ("secret-name", "secret-actor", "203.0.113.77"):
        assert secret not in told


async def test_what_the_caller_did_not_sample_is_not_recorded_anywhere(
    collector: Collector, stage: Stage
) -> None:
    async with stage.running("relay", "consumers") as probe:
        await click(probe, sampled=False)
        await stage.quiet()
    assert TRACE not in collector.traces


async def test_looking_for_work_is_no_trace(
    collector: Collector, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = count_looks(monkeypatch)
    async with stage.running("relay"):
        await until(partial(are_more_than, looks, 3))
        # Spans are sent in the order in which they ended: no other came before.
        with traced(Cause("r", "r", "a", f"{GIVEN}-01"), "witness", "internal", {}):
            pass
        await until(partial(heard, collector, "witness"))
    assert set(collector.traces) == {TRACE}
    assert set(spans(collector)) == {"witness"}


async def test_a_collector_that_is_away_hurts_nobody(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    # Nobody listens at port 1.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5")
    async with stage.running("http", "relay", "consumers") as it:
        for _ in range(20):
            await click(it)
        async with it.client.get("/health/ready") as answer:
            assert answer.status == 200
        await stage.quiet()
    assert len(await stage.effects()) == 20
    assert recorder() is None


async def test_a_refusal_inside_a_span_comes_out_as_it_was(
    collector: Collector, stage: Stage
) -> None:
    async with stage.running("http"):
        with (
            pytest.raises(Unavailable),
            traced(Cause("r", "r", "a", f"{GIVEN}-01"), "refused", "internal", {}),
        ):
            raise Unavailable
        await until(partial(heard, collector, "refused"))
    assert spans(collector)["refused"].attributes["error.type"] == "Unavailable"
