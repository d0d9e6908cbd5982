"""What is sent again while it is still being done: it is waited for, and done once."""

from http import HTTPStatus

import pytest

from chassis.ids import uuid7
from tests.integration.gateway.conftest import Services
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.doors import (
    HOST,
    SESSION_TOKEN,
    answer_dashboard,
    open_session,
    refuse,
)
from tests.integration.portal.test_away import offer_for
from tests.support.tokens import a_customer

STILL = "We are still working on it"
DEPARTMENT: dict[str, object] = {
    "slug": "support",
    "name": "Support",
    "expected_answer": {"low": 60, "medium": 60, "high": 60, "urgent": 60},
}


@pytest.fixture
def browser(
    services: Services, behind_tls: Browser, monkeypatch: pytest.MonkeyPatch
) -> Browser:
    """A customer's browser, at a gateway that asks once more and then gives up."""
    monkeypatch.setattr("gateway.services.STILL_RUNNING_SECONDS", (0.0,))
    open_session(services, a_customer())
    answer_dashboard(services)
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    return behind_tls


def still_running(services: Services, path: str) -> None:
    refuse(services, path, HTTPStatus.CONFLICT, "StillRunning")


def sent_to(services: Services, path: str) -> list[tuple[str, bytes]]:
    """Return key and body of each that went there."""
    return [
        (call.headers["Idempotency-Key"], body)
        for call, body in zip(services.calls, services.bodies, strict=True)
        if call.path == path and call.method == "POST"
    ]


def marks_of(page: Page, action: str) -> tuple[str, str]:
    form = page.form(action)
    return form["_key"], form["_user"]


async def test_an_order_that_is_still_being_placed_is_asked_for_as_it_was_sent(
    services: Services, browser: Browser
) -> None:
    offer_for(services, "10.00")
    page = await browser.get("/order/vps-2")
    marks = marks_of(page, "/order/vps-2")
    still_running(services, "/api/v1/orders")
    # Meanwhile the price has changed, which is no matter to what was ordered.
    offer_for(services, "30.00")
    waiting = await browser.submit(
        page, "/order/vps-2", **{"items.0.label": "my <b>shop</b>"}
    )
    assert waiting.status == HTTPStatus.CONFLICT
    assert waiting.heading == STILL
    assert "my <b>shop</b>" in waiting.said
    assert "<b>" not in waiting.text
    assert "30.00" not in waiting.said
    assert "data-look-again" in waiting.text
    assert marks_of(waiting, "/order/vps-2") == marks
    services.answer("/api/v1/orders", an_order(), status=201)
    done = await browser.submit(waiting, "/order/vps-2")
    assert done.status == HTTPStatus.SEE_OTHER
    assert done.location.startswith("/services/")
    first, *repeats = sent_to(services, "/api/v1/orders")
    assert set(repeats) == {first}


def an_order() -> dict[str, object]:
    return {
        "id": str(uuid7()),
        "number": 1,
        "status": "pending",
        "customer_id": str(uuid7()),
        "invoice_id": None,
        "service_ids": [str(uuid7())],
        "total": {"amount": "10.00", "currency": "BRL"},
        "placed_on": "2026-03-01",
        "expires_on": "2026-03-31",
        "created_at": "2026-03-01T12:00:00Z",
    }


async def test_files_of_a_message_that_is_still_being_sent_are_not_chosen_again(
    services: Services, browser: Browser
) -> None:
    services.answer("/api/v1/departments", {"items": [DEPARTMENT], "next": None})
    services.answer("/api/v1/services", {"items": [], "next": None, "total": 0})
    file_id = str(uuid7())
    file = {"id": file_id, "name": "a proof & more.png", "size": 9}
    kept = {**file, "media_type": "image/png", "sha256": "0" * 64}
    services.answer("/api/v1/attachments", kept, status=201)
    still_running(services, "/api/v1/tickets")
    form = (await browser.get("/tickets/new")).form("/tickets/new")
    typed = {"department": "support", "subject": "Paid", "message": "See the file."}
    body = form.filled({**typed, "priority": "low"})
    sent = ("files", "a proof & more.png", b"\x89PNG....")
    waiting = await browser.upload("/tickets/new", body, [sent])
    assert waiting.heading == STILL
    assert "a proof & more.png" in waiting.said
    assert 'type="file"' not in waiting.text
    await browser.submit(waiting, "/tickets/new")
    first, *repeats = sent_to(services, "/api/v1/tickets")
    assert file_id.encode() in first[1]
    assert set(repeats) == {first}


async def test_a_button_whose_work_goes_on_waits_for_it(
    services: Services, browser: Browser
) -> None:
    path = "/verify-email/request"
    key = str(uuid7())
    page = await browser.get("/")
    marks = {"_csrf": page.form("/logout")["_csrf"], "_key": key}
    still_running(services, "/api/v1/email-verifications/requests")
    waiting = await browser.ask("POST", path, data=marks)
    assert waiting.heading == STILL
    assert waiting.form(path)["_key"] == key


async def test_a_password_is_not_put_into_the_page_that_waits(
    services: Services, browser: Browser
) -> None:
    page = await browser.get("/login")
    browser.jar.clear()
    page = await browser.get("/login")
    still_running(services, "/internal/browser-sessions")
    again = await browser.submit(page, "/login", email="a@b.example", password="hush")
    assert again.status == HTTPStatus.CONFLICT
    assert again.heading == "Log in to your Client Area"
    assert "StillRunning" in again.said
    assert "hush" not in again.text
    assert again.form("/login")["_key"] == page.form("/login")["_key"]


async def test_the_page_that_waits_speaks_portuguese(
    services: Services, browser: Browser
) -> None:
    offer_for(services, "10.00")
    browser.plant("language", "pt-BR", prefix=HOST)
    page = await browser.get("/order/vps-2")
    still_running(services, "/api/v1/orders")
    waiting = await browser.submit(page, "/order/vps-2")
    assert waiting.heading == "Ainda estamos trabalhando nisso"
