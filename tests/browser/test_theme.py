"""Light or dark: as the system is, with and without scripts, until it is chosen."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.portal import People, Theme, wear


async def background(page: Page) -> str:
    script = "body => getComputedStyle(body).backgroundColor"
    return await page.locator("body").evaluate(script)


@pytest.mark.parametrize("javascript", [True, False])
async def test_a_page_is_as_dark_as_the_system(
    people: People, *, javascript: bool
) -> None:
    page = await people.visitor(javascript=javascript)
    await page.goto("/login")
    by_day = await background(page)
    await page.emulate_media(color_scheme="dark")
    await expect(page.locator("body")).not_to_have_css("background-color", by_day)


@pytest.mark.parametrize(("chosen", "system"), [("light", "dark"), ("dark", "light")])
async def test_a_theme_that_was_chosen_outlasts_the_system(
    people: People, chosen: Theme, system: Theme
) -> None:
    page = await people.visitor(theme=chosen)
    await page.goto("/login")
    wanted = await background(page)
    await page.locator("#page-theme").select_option(chosen)
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator("#page-theme")).to_have_value(chosen)
    await wear(page, system)
    await expect(page.locator("body")).to_have_css("background-color", wanted)
