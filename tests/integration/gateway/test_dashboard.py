"""The first page loses a panel at most, and never waits long for one."""

import asyncio

import pytest
from aiohttp import web

from tests.integration.gateway.conftest import Services, lose_patience
from tests.support.running import Running
from tests.support.tokens import a_customer, a_staff_member, token_of

EMPTY: dict[str, object] = {"items": [], "next": None, "total": 0}


def answer_everything(services: Services) -> None:
    for noun in ("tickets", "news"):
        services.answer(f"/api/v1/{noun}", EMPTY)
    nothing_open: dict[str, object] = {
        "totals": [],
        "invoices": 0,
        "of_a_later_release": 1,
    }
    overview: dict[str, object] = {
        "services": EMPTY,
        "domains": EMPTY,
        "open_invoices": nothing_open,
    }
    services.answer("/internal/overview", overview)
    services.answer(
        "/api/v1/me",
        {
            "id": "01890000-0000-7000-8000-000000000000",
            "kind": "customer",
            "name": "Ana",
            "email": "ana@example.com",
            "email_verified": True,
            "language": "en",
            "role": None,
            "permissions": [],
            "customer_id": None,
            "of_a_later_release": 1,
        },
    )


async def dashboard(gateway: Running) -> tuple[int, dict[str, object]]:
    headers = {"Authorization": f"Bearer {token_of(a_customer())}"}
    async with gateway.client.get("/api/v1/dashboard", headers=headers) as answer:
        return answer.status, await answer.json()


async def test_an_account_without_data_has_a_whole_first_page(
    gateway: Running, services: Services
) -> None:
    answer_everything(services)
    status, page = await dashboard(gateway)
    assert status == 200
    assert page["unavailable"] == []
    assert page["services"] == page["tickets"] == page["domains"] == page["news"] == []
    assert page["counts"] == {
        "services": 0,
        "domains": 0,
        "open_invoices": 0,
        "open_tickets": 0,
    }


async def test_a_service_that_fails_costs_its_own_panel(
    gateway: Running, services: Services
) -> None:
    answer_everything(services)
    services.answer("/api/v1/tickets", {}, status=500)
    status, page = await dashboard(gateway)
    assert status == 200
    assert page["unavailable"] == ["tickets"]
    assert page["tickets"] is None
    assert page["contact"]


async def test_a_service_that_answers_nonsense_costs_its_own_panel(
    gateway: Running, services: Services
) -> None:
    answer_everything(services)
    services.answer("/api/v1/news", {"items": [{"id": "x"}]})
    status, page = await dashboard(gateway)
    assert status == 200
    assert page["unavailable"] == ["news"]


async def test_billing_that_fails_costs_its_own_panels(
    gateway: Running, services: Services
) -> None:
    answer_everything(services)
    services.answer("/internal/overview", {}, status=503)
    status, page = await dashboard(gateway)
    assert status == 200
    assert page["unavailable"] == ["services", "domains", "open_invoices"]


async def test_what_the_caller_may_not_see_costs_no_other_panel(
    gateway: Running, services: Services
) -> None:
    answer_everything(services)
    overview: dict[str, object] = {
        "services": EMPTY,
        "domains": EMPTY,
        "open_invoices": None,
    }
    services.answer("/internal/overview", overview)
    status, page = await dashboard(gateway)
    assert status == 200
    assert page["unavailable"] == ["open_invoices"]
    assert page["services"] == []


async def test_a_service_that_hangs_costs_its_panel_and_little_time(
    gateway: Running, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_everything(services)
    released = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        del request
        await released.wait()
        return web.json_response({})

    services.answers["/api/v1/news"] = hang
    lose_patience(monkeypatch, with_path="/api/v1/news")
    status, page = await dashboard(gateway)
    released.set()
    assert status == 200
    assert page["unavailable"] == ["news"]


async def test_all_services_are_asked_at_once(
    gateway: Running, services: Services
) -> None:
    answer_everything(services)
    arrived = 0
    everybody = asyncio.Event()
    paths = list(services.answers)

    async def wait_for_the_others(request: web.Request) -> web.StreamResponse:
        del request
        nonlocal arrived
        arrived += 1
        if arrived == len(paths):
            everybody.set()
        await everybody.wait()
        return web.json_response(EMPTY)

    for path in paths:
        services.answers[path] = wait_for_the_others
    _, page = await dashboard(gateway)
    assert arrived == len(paths)
    # EMPTY is neither a contact nor an overview.
    assert page["unavailable"] == ["contact", "services", "domains", "open_invoices"]


async def test_the_first_page_is_for_customers(gateway: Running) -> None:
    headers = {"Authorization": f"Bearer {token_of(a_staff_member())}"}
    async with gateway.client.get("/api/v1/dashboard", headers=headers) as answer:
        assert answer.status == 403
    async with gateway.client.get("/api/v1/dashboard") as answer:
        assert answer.status == 401
