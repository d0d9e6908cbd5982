"""A page that lies open hears and shows what changes, and keeps no session in use."""

import json

import pytest

from tests.integration.gateway.conftest import Services
from tests.integration.portal.browsing import Browser
from tests.integration.portal.doors import (
    EXCHANGE,
    HOST,
    SESSION_TOKEN,
    answer_dashboard,
    open_session,
)
from tests.support.tokens import a_customer


@pytest.fixture
async def reader(services: Services, behind_tls: Browser) -> Browser:
    answer_dashboard(services)
    open_session(services, a_customer())
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    return behind_tls


def uses(services: Services) -> list[bool]:
    """Return, of each exchange, whether accounts was told that it is a use."""
    asked = zip(services.calls, services.bodies, strict=True)
    exchanges = [json.loads(body) for call, body in asked if call.path == EXCHANGE]
    return [body.get("is_use", True) for body in exchanges]


async def test_listening_is_no_use_of_the_session(
    services: Services, reader: Browser
) -> None:
    async with reader.http.get("/live") as stream:
        assert stream.content_type == "text/event-stream"
    assert uses(services) == [False]


async def test_a_region_that_shows_itself_anew_is_no_use_and_a_click_after_it_is(
    services: Services, reader: Browser
) -> None:
    anew = {"HX-Request": "true", "Live-Region": "tickets"}
    assert (await reader.get("/", **anew)).status == 200
    assert uses(services) == [False]
    assert (await reader.get("/")).status == 200
    assert uses(services) == [False, True]


async def test_live_regions_say_that_they_ask_by_themselves(
    services: Services, reader: Browser
) -> None:
    page = await reader.get("/")
    regions = page.text.count('hx-trigger="live-')
    assert regions
    assert page.text.count('hx-headers=\'{"Live-Region":') == regions
    assert uses(services) == [True]
