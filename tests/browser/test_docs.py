"""The pages for developers: whole under their content policy, on a phone as well."""

import pytest

from tests.browser.portal import People
from tests.browser.sight import too_wide

PAGES = ("/api/docs", "/api/docs/events", "/api/docs/problems")


@pytest.mark.parametrize("path", PAGES)
async def test_documentation_fits_a_phone_and_asks_for_nothing_in_vain(
    people: People, path: str
) -> None:
    page = await people.visitor(phone=True)
    await page.goto(path, wait_until="networkidle")
    assert await too_wide(page) == []
