"""P9: every page of the portal: how long the server takes, and how many bytes it costs.

Bytes are those that Chromium counts on the wire, with their headers: of a first visit,
with an empty cache, the page and all that it loads; of later pages, what is still to be
fetched after the first page of the same visitor. The time is a client's on this
machine, who asks for one page after the other.
"""

import asyncio
import gc
import statistics
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

from playwright.async_api import Page

from bench.product import started
from bench.report import Figure, progress
from tests.browser.chromium import open_browser
from tests.browser.pages import PAGES, Shown
from tests.browser.portal import People, Portal, Role
from tests.browser.watch import Watch

#: Each page as it is first seen: what is done on it next is another page's cost.
SEEN = [page for page in PAGES if page.act is None and not page.statuses]
ROUNDS = 60
#: So many are enough where a page takes longer than it may, or the machine is busy.
FEWEST_ROUNDS = 30
WARM_UP_ROUNDS = 10
MOST_SECONDS = 2.0
#: For what a page loads by itself after it is there.
SETTLE_MILLISECONDS = 500
#: How often it is told how far this is, in pages.
TOLD_EVERY = 10
MOST_P95_MILLISECONDS = 40
MOST_FIRST_KB = 200
MOST_LATER_KB = 30


async def measure() -> list[Figure]:
    watch = Watch()
    async with (
        started() as stack,
        open_browser() as browser,
        AsyncExitStack() as closing,
    ):
        portal = Portal(stack, browser)
        people = People(portal, watch, closing)
        first, later = await _all_bytes(people)
        times = await _all_times(portal, watch)
    if watch.faults:
        raise RuntimeError(f"the browser complains: {watch.faults}")
    return [
        _figure("server time p95", times, "ms", MOST_P95_MILLISECONDS),
        _figure("first load", first, "KB", MOST_FIRST_KB, divisor=1000),
        _figure("later pages", later, "KB", MOST_LATER_KB, divisor=1000),
    ]


def _figure(
    what: str, found: Mapping[Shown, float], unit: str, most: float, divisor: int = 1
) -> Figure:
    worst = max(found, key=found.__getitem__)
    value = found[worst] / divisor
    return Figure(
        row="P9",
        what=f"{what}, worst of {len(found)} pages: {worst.name}",
        value=value,
        unit=unit,
        target=f"≤ {most} {unit}",
        holds=value <= most,
    )


async def _all_bytes(
    people: People,
) -> tuple[dict[Shown, float], dict[Shown, float]]:
    """Return what each page costs as the first, and as a later one of its reader's.

    All readers are busy at once: bytes don't depend on what else the machine does.
    """
    first: dict[Shown, float] = {}
    later: dict[Shown, float] = {}
    async with asyncio.TaskGroup() as tasks:
        for role in dict.fromkeys(shown.role for shown in SEEN):
            pages = [shown for shown in SEEN if shown.role == role]
            tasks.create_task(_bytes_of_one(people, pages, first, later))
    return first, later


async def _bytes_of_one(
    people: People,
    pages: Sequence[Shown],
    first: dict[Shown, float],
    later: dict[Shown, float],
) -> None:
    """Weigh the pages of one role, whose visitor has seen the first of them before."""
    visitor = await people.of(pages[0].role)
    await _visit(visitor, await pages[0].address(people.portal))
    for shown in pages:
        first[shown] = await _first_bytes(people, shown)
        later[shown] = await _bytes(visitor, await shown.address(people.portal))
        if len(later) % TOLD_EVERY == 0:
            progress(f"weighed {len(later)} of {len(SEEN)} pages")


async def _first_bytes(people: People, shown: Shown) -> float:
    """Return what the page costs a browser that was never here."""
    page = await people.of(shown.role)
    received = await _bytes(page, await shown.address(people.portal))
    await page.context.close()
    return received


async def _bytes(page: Page, address: str) -> float:
    async with _counting(page) as received:
        await _visit(page, address)
    return sum(received)


async def _visit(page: Page, address: str) -> None:
    answer = await page.goto(address)
    if answer is None or not answer.ok:
        raise RuntimeError(f"{address} was not answered well: {answer}")
    await page.wait_for_timeout(SETTLE_MILLISECONDS)


@asynccontextmanager
async def _counting(page: Page) -> AsyncGenerator[list[float]]:
    """Collect how many bytes each answer took; those from the cache take none."""
    received: list[float] = []

    def note(event: Mapping[str, float]) -> None:
        received.append(event["encodedDataLength"])

    watching = await page.context.new_cdp_session(page)
    await watching.send("Network.enable")  # pyright: ignore[reportUnknownMemberType] - takes any parameters
    watching.on("Network.loadingFinished", note)
    yield received
    await watching.detach()


async def _all_times(portal: Portal, watch: Watch) -> dict[Shown, float]:
    """Return each page's time: one after the other, as they would slow each other."""
    times: dict[Shown, float] = {}
    for shown in SEEN:
        times[shown] = await _p95_milliseconds(portal, watch, shown)
        if len(times) % TOLD_EVERY == 0:
            progress(f"timed {len(times)} of {len(SEEN)} pages")
    return times


async def _p95_milliseconds(portal: Portal, watch: Watch, shown: Shown) -> float:
    """Return in what time 19 of 20 requests for the page are answered."""
    headers = {"Cookie": await _cookies(portal, watch, shown.role)}
    url = portal.url + await shown.address(portal)
    gc.collect()
    took: list[float] = []
    until = time.perf_counter() + MOST_SECONDS
    while len(took) < FEWEST_ROUNDS or (
        len(took) < ROUNDS and time.perf_counter() < until
    ):
        took.append(await _milliseconds(portal, url, headers))
    return statistics.quantiles(took[WARM_UP_ROUNDS:], n=20)[-1]


async def _milliseconds(portal: Portal, url: str, headers: Mapping[str, str]) -> float:
    began = time.perf_counter()
    async with portal.stack.http.get(
        url, headers=headers, allow_redirects=False
    ) as answer:
        page = await answer.text()
    took = (time.perf_counter() - began) * 1000
    if answer.status != HTTPStatus.OK or "</html>" not in page:
        raise RuntimeError(f"{url} was answered {answer.status}: {page[:1000]}")
    return took


async def _cookies(portal: Portal, watch: Watch, role: Role) -> str:
    """Return the cookies of somebody's open session, as their browser sends them."""
    if role == "visitor":
        return ""
    state = await portal.session_of(role, watch)
    return "; ".join(
        f"{cookie.get('name')}={cookie.get('value')}"
        for cookie in state.get("cookies", [])
    )
