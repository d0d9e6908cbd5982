"""Accessibility as axe sees it: WCAG 2.2 AA, and what axe holds for good practice."""

from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Page

from tests.browser.portal import Theme, wear

AXE = Path(__file__).parents[2] / "gateway/assets/node_modules/axe-core/axe.min.js"
#: Headings, landmarks and the skip link are good practice in axe's eyes, not WCAG.
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = """async (tags) => {
  document.getAnimations().forEach((animation) => animation.finish());
  const options = {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]};
  const {violations} = await axe.run(document, options);
  return violations.flatMap((rule) => rule.nodes.map((node) => {
    const why = node.failureSummary.split("\\n").slice(1).map((line) => line.trim());
    return `${rule.id} (${rule.impact}) at ${node.target.join(" ")}: ${why.join("; ")}`;
  }));
}"""


async def check_accessible(
    page: Page, *, themes: Sequence[Theme] = ("light", "dark")
) -> None:
    """Fail with one line for each thing that axe finds wrong on the page as it is."""
    found: list[str] = []
    for theme in themes:
        await wear(page, theme)
        found += [f"{theme}: {fault}" for fault in await _faults(page)]
    assert not found, "\n".join([f"{page.url} isn't accessible:", *found])


async def _faults(page: Page) -> list[str]:
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE.read_text("utf-8"))
    return await page.evaluate(RUN, list(TAGS))
