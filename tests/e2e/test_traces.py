"""One click, one trace: from the gateway through billing and the bus to the mail."""

from collections.abc import AsyncGenerator

import pytest

from deploy.local.ports import free_ports
from deploy.traces import Collector, SeenSpan, Trace
from tests.e2e.client import until
from tests.e2e.journey import buy, register
from tests.e2e.stack import open_folder, running_product, visiting

CONFIRMATION = "POST /api/v1/staff/payments/{payment_id}/confirmation"
MAIL = "send mail"


@pytest.fixture
async def collector() -> AsyncGenerator[tuple[Collector, str]]:
    collector, port = Collector(), free_ports(1)[0]
    async with collector.listening(port):
        yield collector, f"http://127.0.0.1:{port}"


@pytest.mark.timeout(300)
async def test_a_paid_invoice_is_one_trace_from_the_click_to_the_mail(
    collector: tuple[Collector, str],
) -> None:
    received, endpoint = collector
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with open_folder() as folder, running_product(folder / "data", environment) as it:
        async with visiting(it) as stack:
            customer = await register(stack.api)
            await buy(customer, await stack.staff("finance"), "bank-traced")

            async def complete() -> Trace | None:
                return _of_the_payment(received)

            trace = await until(complete, what="the trace with its mails")
    _assert_one_story(trace)


def _of_the_payment(received: Collector) -> Trace | None:
    """Return the confirmation's trace once its mails are sent."""
    for trace in received.traces.values():
        names = [span.name for span in trace.spans]
        if CONFIRMATION in names and names.count(MAIL) >= 2:
            return trace
    return None


def _assert_one_story(trace: Trace) -> None:
    by_id = {span.span_id: span for span in trace.spans}

    def story(span: SeenSpan) -> list[str]:
        """Return what led to a span, from the click on."""
        before = by_id.get(span.parent_id)
        return [*(story(before) if before else ()), f"{span.process}: {span.name}"]

    [root] = [span for span in trace.spans if span.parent_id not in by_id]
    assert root.process == "gateway"
    mails = [span for span in trace.spans if span.name == MAIL]
    assert {span.attributes["mail.template"] for span in mails} >= {
        "payment_received",
        "service_activated",
    }
    received = next(
        mail for mail in mails if mail.attributes["mail.template"] == "payment_received"
    )
    assert story(received) == [
        "gateway: POST /api/v1/{path}",
        "gateway: POST",
        f"billing: {CONFIRMATION}",
        "notifier: handle billing.payment.succeeded.v1",
        "notifier: send mail",
    ]
    paths = {" > ".join(story(span)[2:]) for span in trace.spans}
    assert f"billing: {CONFIRMATION} > billing: INSERT outbox" in paths
    assert (
        f"billing: {CONFIRMATION} > billing: publish billing.payment.succeeded.v1"
        in paths
    )
    assert not any(span.failed for span in trace.spans)
