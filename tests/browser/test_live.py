"""Pages that look after themselves: what isn't an answer of theirs changes nothing."""

import pytest
from playwright.async_api import Page, Response

from tests.browser.portal import People
from tests.e2e.client import Api
from tests.e2e.journey import order

#: As the stream's script does for an event.
TELL = "(name) => document.body.dispatchEvent(new CustomEvent(name))"


async def end_other_sessions(api: Api) -> None:
    """Do what people do at another device when they have lost this one."""
    for session in (await api.get("/sessions"))["items"]:
        if not session["current"]:
            await api.call("DELETE", f"/sessions/{session['id']}")


async def content_of(page: Page) -> str:
    return await page.locator("main").inner_html()


@pytest.mark.parametrize(
    ("path", "event"),
    [("/invoices", "live-invoice"), ("/payments", "live-payment")],
    ids=["a form", "a region"],
)
async def test_a_page_whose_session_ended_elsewhere_stays_as_it_is(
    people: People, path: str, event: str
) -> None:
    page, customer = await people.new_customer()
    await order(customer)
    await page.goto(path)
    before = await content_of(page)
    people.watch.allow(401)
    await end_other_sessions(customer.api)

    def is_refused(answer: Response) -> bool:
        return answer.url.endswith(("/invoices/pay", "/payments"))

    async with page.expect_response(is_refused) as waiting:
        await page.evaluate(TELL, event)
    answer = await waiting.value
    assert answer.status == 401
    await answer.finished()
    await page.wait_for_function("!document.querySelector('.htmx-request')")
    assert await content_of(page) == before
    assert page.url.endswith(path)
