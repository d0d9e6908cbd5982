"""Pictures of every page in each language, theme and screen; sheets of many at once.

`make screenshots` starts a product for it; `--data` names the folder of one that runs.
"""

import argparse
import asyncio
import html
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser

from tests.browser.chromium import open_browser
from tests.browser.pages import PAGES, Shown
from tests.browser.portal import Language, People, Portal, Readers, Role, Theme, wear
from tests.browser.watch import Watch
from tests.e2e.stack import Product, open_folder, running_product, visiting

LANGUAGES: tuple[Language, ...] = ("en-US", "pt-BR")
THEMES: tuple[Theme, ...] = ("light", "dark")
#: How many pictures a sheet has, and how wide each is there.
DESKTOP_SHEET = (6, 620)
PHONE_SHEET = (12, 300)
SHEET_WIDTH = 1960
SHEET_STYLE = """
body { margin: 16px; background: #888; font: 16px sans-serif; }
div { display: flex; flex-wrap: wrap; align-items: start; gap: 12px; }
figure { margin: 0; background: #fff; padding: 4px; }
figcaption { overflow: hidden; white-space: nowrap; }
img { display: block; max-height: 900px; object-fit: cover; object-position: top; }
"""


@dataclass(frozen=True)
class Lane:
    """One language on one screen: its pictures are taken one after another."""

    language: Language
    phone: bool

    @property
    def screen(self) -> str:
        return "phone" if self.phone else "desktop"

    def picture_of(self, shown: Shown, theme: Theme) -> str:
        return f"{shown.name} {self.screen} {theme} {self.language}.png"


LANES = [Lane(language, phone) for phone in (False, True) for language in LANGUAGES]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--pages", nargs="+", help="parts of the names of pages")
    parser.add_argument("--data", type=Path, help="data folder of a running product")
    given = parser.parse_args()
    wanted = [
        shown
        for shown in PAGES
        if not given.pages or any(part in shown.name for part in given.pages)
    ]
    given.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as closing:
        if given.data:
            product = Product(given.data)
        else:
            folder = closing.enter_context(open_folder())
            product = closing.enter_context(running_product(folder / "data"))
        sys.exit(asyncio.run(_take_all(product, wanted, given.folder)))


async def _take_all(product: Product, pages: Sequence[Shown], folder: Path) -> int:
    """Take every picture; return 1 if a browser complained."""
    watch = Watch()
    async with (
        open_browser() as browser,
        visiting(product) as stack,
        AsyncExitStack() as closing,
    ):
        portal = Portal(stack, browser)
        readers = Readers(People(portal, watch, closing))
        roles: set[Role] = {shown.role for shown in pages}
        for role in roles:
            await readers.page_of(role)  # each logs in once, before the lanes part
        async with asyncio.TaskGroup() as group:
            for lane in LANES:
                group.create_task(_take(lane, readers, pages, folder))
        (folder / "index.html").write_text(_index(pages), "utf-8")
        await _make_sheets(browser, pages, folder)
    print(f"{len(pages)} pages, {folder / 'index.html'}", *watch.faults, sep="\n")
    return 1 if watch.faults else 0


async def _take(
    lane: Lane, readers: Readers, pages: Sequence[Shown], folder: Path
) -> None:
    for shown in pages:
        page = await shown.open(readers, language=lane.language, phone=lane.phone)
        for theme in THEMES:
            await wear(page, theme)
            await page.screenshot(
                path=folder / lane.picture_of(shown, theme),
                full_page=True,
                animations="disabled",
            )
        await page.close()


def _index(pages: Sequence[Shown]) -> str:
    """Return a document with all the pictures, page by page."""
    return "".join(
        f"<h2>{html.escape(shown.name)}</h2>" + _figures(pictures, 320)
        for shown in pages
        if (pictures := [lane.picture_of(shown, t) for lane in LANES for t in THEMES])
    )


def _sheets(pages: Sequence[Shown]) -> Iterator[tuple[str, str]]:
    """Yield the name and the document of each sheet: one look, several pages."""
    for lane in LANES:
        count, width = PHONE_SHEET if lane.phone else DESKTOP_SHEET
        for theme in THEMES:
            pictures = [lane.picture_of(shown, theme) for shown in pages]
            for first in range(0, len(pictures), count):
                name = f"{lane.screen} {theme} {lane.language} {first // count + 1}"
                yield name, _figures(pictures[first : first + count], width)


def _figures(pictures: Sequence[str], width: int) -> str:
    figures = "".join(
        f"<figure><figcaption>{html.escape(name.removesuffix('.png'))}</figcaption>"
        f'<a href="{html.escape(name)}"><img width="{width}" alt=""'
        f' src="{html.escape(name)}"></a></figure>'
        for name in pictures
    )
    return f"<style>{SHEET_STYLE}</style><div>{figures}</div>"


async def _make_sheets(browser: Browser, pages: Sequence[Shown], folder: Path) -> None:
    sheets = folder / "sheets"
    sheets.mkdir(exist_ok=True)
    page = await browser.new_page(viewport={"width": SHEET_WIDTH, "height": 900})
    document = folder / "sheet.html"
    for name, content in _sheets(pages):
        document.write_text(content, "utf-8")
        await page.goto(document.absolute().as_uri())
        await page.screenshot(path=sheets / f"{name}.png", full_page=True)
    document.unlink()
    await page.close()


if __name__ == "__main__":
    main()
