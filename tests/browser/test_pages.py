"""Every page, whatever it is about: readable, reachable and whole for everybody."""

import json

import pytest

from deploy.local.demo.company import FILES, FOLDER
from tests.browser.axe import check_accessible
from tests.browser.pages import PAGES, Shown
from tests.browser.portal import PHONE, Language, Look, Readers
from tests.browser.sight import english_texts, tab_stops, too_wide

NARROWEST = 320
LANGUAGES: dict[Language, str] = {"en-US": "en", "pt-BR": "pt-BR"}

# By page, so that what is open already serves all who only look at it.
pytestmark = pytest.mark.parametrize(
    "shown", PAGES, ids=lambda shown: shown.name, scope="module"
)


async def test_the_keyboard_reaches_all_and_shows_where_it_is(
    shown: Shown, readers: Readers
) -> None:
    page = await shown.open(readers)
    stops = [stop async for stop in tab_stops(page)]
    if not shown.is_refused:
        assert stops[0]["target"].startswith("#"), "the first stop skips the menu"
    unseen = [
        each["element"] for each in stops if not (each["isMarked"] and each["isInView"])
    ]
    assert unseen == []


async def test_is_accessible_in_both_themes(shown: Shown, readers: Readers) -> None:
    page = await shown.opened(readers)
    await check_accessible(page)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_says_in_its_language_what_it_is(
    shown: Shown, readers: Readers, language: Language
) -> None:
    looks: Look = {} if language == "en-US" else {"language": language}
    page = await shown.opened(readers, **looks)
    assert await page.locator("html").get_attribute("lang") == LANGUAGES[language]
    title, _, company = (await page.title()).rpartition(" · ")
    assert title
    assert company
    assert await page.locator("h1").count() == 1
    if language == "pt-BR" and not shown.is_peoples:
        assert await english_texts(page, products_texts()) == []


async def test_is_the_same_page_without_scripts(shown: Shown, readers: Readers) -> None:
    with_scripts = await shown.opened(readers)
    without = await shown.open(readers, javascript=False)
    headings = [
        await page.locator("h1").inner_text() for page in (with_scripts, without)
    ]
    assert headings[0] == headings[1]


async def test_is_accessible_on_a_phone(shown: Shown, readers: Readers) -> None:
    page = await shown.opened(readers, phone=True)
    await page.set_viewport_size(PHONE)
    await check_accessible(page, themes=["light"])


async def test_fits_a_phone(shown: Shown, readers: Readers) -> None:
    page = await shown.opened(readers, phone=True)
    for width in (PHONE["width"], NARROWEST):
        await page.set_viewport_size({"width": width, "height": PHONE["height"]})
        assert await too_wide(page) == [], f"at {width} pixels"


def products_texts() -> list[str]:
    """Return what the demo company says of its products, in English to everybody."""
    products = json.loads((FOLDER / FILES["billing"]).read_text("utf-8"))["products"]
    return [
        each[name] for each in products for name in ("name", "group", "description")
    ]
