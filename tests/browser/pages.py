"""Every page of the portal, for the tests and the pictures that look at them all.

A new page gets a line here. Where its address has an id, a function finds one through
the API, signed in as the page's reader; the demo company has one of each.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Unpack

from playwright.async_api import Page

from tests.browser.portal import Look, Portal, Readers, Role
from tests.e2e.client import Api

#: Returns the page's address.
Find = Callable[[Api], Awaitable[str]]
#: Brings the open page into the state that is meant, such as a refused form.
Act = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True)
class Shown:
    """A page as a reader finds it: its address, and what is done there first."""

    name: str
    path: str | Find
    role: Role
    act: Act | None = None
    #: Answers above 399 that belong to it.
    statuses: tuple[int, ...] = ()

    async def open(self, readers: Readers, **look: Unpack[Look]) -> Page:
        """Return the page, open in the browser of whoever reads it."""
        page = await readers.page_of(self.role, **look)
        readers.watch.allow(*self.statuses)
        await page.goto(await self.address(readers.portal))
        if self.act is not None:
            await self.act(page)
        return page

    async def address(self, portal: Portal) -> str:
        if isinstance(self.path, str):
            return self.path
        if self.name not in portal.found:
            api = await portal.api_of(self.role)
            portal.found[self.name] = await self.path(api)
        return portal.found[self.name]


async def send_empty(page: Page) -> None:
    """Send the page's form as it is, past the browser's own checks."""
    form = page.locator("main form[method=post]").first
    await form.evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
    await page.wait_for_load_state()


PAGES = (
    Shown("log-in", "/login", "visitor"),
    Shown("registration", "/register", "visitor"),
    Shown("forgotten password", "/forgot-password", "visitor"),
    Shown("no such page", "/nowhere", "visitor", statuses=(404,)),
    Shown("dashboard", "/", "customer"),
    Shown("empty dashboard", "/", "newcomer"),
)
