"""What can be seen of a page that no selector tells: widths, focus, languages."""

from collections.abc import AsyncGenerator, Sequence
from typing import TypedDict

from playwright.async_api import Page

#: More stops of the tabulator than any page has: the focus is caught somewhere.
MOST_STOPS = 250

#: Words that Portuguese hasn't got.
ENGLISH = "the|your|you|and|is|are|with|this|that|please|not|of|to|from|what|there|or"

_TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const sticksOut = (element) =>
    element.getBoundingClientRect().right > root.clientWidth + 0.5;
  const found = [...document.body.querySelectorAll("*")].filter(
    (element) => sticksOut(element) && !sticksOut(element.parentElement));
  const shown = found.slice(0, 5).map((element) => element.outerHTML.slice(0, 120));
  return [`${root.scrollWidth} pixels`, ...shown];
}"""

_STOP = """() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return null;
  // A date has several stops; looked at again, it would begin with the first of them.
  if (focused === window.lastStop) return {isSame: true};
  window.lastStop = focused;
  const properties = ["outlineStyle", "outlineWidth", "outlineColor", "boxShadow",
    "backgroundColor", "borderTopColor", "textDecorationLine", "color"];
  // A hidden box or field is shown by what stands for it.
  const shown = [focused, focused.nextElementSibling, focused.parentElement,
    ...(focused.labels || [])].filter((each) => each);
  const look = () => {
    document.getAnimations().forEach((animation) => animation.finish());
    return JSON.stringify(shown.map((each) => {
      const style = getComputedStyle(each);
      return properties.map((property) => style[property]);
    }));
  };
  const marked = look();
  const box = focused.getBoundingClientRect();
  const isInView = box.bottom > 0 && box.top < innerHeight && box.width > 1;
  focused.blur();
  const plain = look();
  focused.focus({focusVisible: true});
  return {
    isSame: false,
    element: focused.outerHTML.slice(0, 120),
    target: focused.getAttribute("href") || "",
    isMarked: marked !== plain,
    isInView,
  };
}"""

_TEXTS_WITH = """(words) => {
  const wanted = new RegExp(`\\\\b(${words})\\\\b`, "i");
  const isForeign = (element) => element.closest("[lang]").lang.startsWith("en");
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [document.title];
  while (walker.nextNode()) {
    const holder = walker.currentNode.parentElement;
    if (!holder.closest("script, style, td, dd, article") && !isForeign(holder))
      found.push(walker.currentNode.data);
  }
  for (const name of ["title", "alt", "aria-label", "placeholder"])
    for (const holder of document.querySelectorAll(`[${name}]`))
      found.push(holder.getAttribute(name));
  const trimmed = found.map((text) => text.trim().replace(/\\\\s+/g, " "));
  return [...new Set(trimmed)].filter((text) => wanted.test(text));
}"""


class Stop(TypedDict):
    """Where the tabulator leads."""

    isSame: bool
    element: str
    target: str
    isMarked: bool
    isInView: bool


async def too_wide(page: Page) -> list[str]:
    """Return what makes the page scroll sideways."""
    return await page.evaluate(_TOO_WIDE)


async def english_texts(page: Page, known: Sequence[str] = ()) -> list[str]:
    """Return the page's texts that are English; not what people wrote, in lists."""
    found: list[str] = await page.evaluate(_TEXTS_WITH, ENGLISH)
    return [text for text in found if text not in known]


async def tab_stops(page: Page) -> AsyncGenerator[Stop]:
    """Yield every stop of the tabulator, from the first to the last."""
    for _ in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        stop: Stop | None = await page.evaluate(_STOP)
        if stop is None:
            return
        if not stop["isSame"]:
            yield stop
    raise AssertionError(f"the focus never leaves {page.url}")
