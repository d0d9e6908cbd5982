"""The running portal, and the people who visit it, each in a browser of their own."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack

from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    StorageState,
    ViewportSize,
)
from yarl import URL

from tests.browser.watch import Watch
from tests.e2e.client import Api, Mailbox
from tests.e2e.journey import PASSWORD, Customer, register
from tests.e2e.stack import Stack

DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)
PATIENCE_MILLISECONDS = 60_000

_PAINTED = """() => new Promise(
  (done) => requestAnimationFrame(() => requestAnimationFrame(done)))"""

Language = Literal["en-US", "pt-BR"]
Theme = Literal["light", "dark"]
StaffRole = Literal["support", "finance", "admin"]
#: The customer has a history, the newcomer has nothing yet.
Role = Literal["visitor", "customer", "newcomer"] | StaffRole


class Look(TypedDict, total=False):
    """How somebody looks: else light, in English, on a desktop."""

    language: Language
    theme: Theme
    javascript: bool
    phone: bool


@dataclass(frozen=True)
class Login:
    email: str
    password: str


@dataclass(frozen=True)
class Portal:
    """The product with its demo company, and who in it has logged in already."""

    stack: Stack
    browser: Browser
    _logins: dict[Role, Login] = field(default_factory=dict[Role, Login])
    _sessions: dict[Role, StorageState] = field(
        default_factory=dict[Role, StorageState]
    )
    #: Addresses that were looked up, by the name of the page.
    found: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def url(self) -> str:
        return self.stack.demo["gateway"]

    @property
    def api(self) -> Api:
        """The public API, signed in as nobody: it arranges faster than pages do."""
        return self.stack.api

    @property
    def mailbox(self) -> Mailbox:
        return self.stack.mailbox

    async def login_of(self, role: Role) -> Login:
        """Return how the demo company's person logs in; of customers, the first."""
        if role not in self._logins:
            self._logins[role] = await self._find_login(role)
        return self._logins[role]

    async def _find_login(self, role: Role) -> Login:
        if role == "newcomer":
            return Login((await register(self.api)).email, PASSWORD)
        known = (each for each in self.stack.demo["logins"] if each["role"] == role)
        found = next(known)
        return Login(found["email"], found["password"])

    async def api_of(self, role: Role) -> Api:
        """Return the API as this person calls it; anew, as tokens are short-lived."""
        if role == "visitor":
            return self.api
        login = await self.login_of(role)
        return await self.api.log_in(login.email, login.password)

    async def session_of(self, role: Role, watch: Watch) -> StorageState:
        """Return the cookies of the one session that all tests share."""
        if role not in self._sessions:
            login = await self.login_of(role)
            async with AsyncExitStack() as closing:
                page = await People(self, watch, closing).logged_in(login)
                self._sessions[role] = await page.context.storage_state()
        return self._sessions[role]


@dataclass(frozen=True)
class People:
    """Who visits in a test; what their browsers complain of is watched."""

    portal: Portal
    watch: Watch
    _closing: AsyncExitStack

    async def visitor(self, **look: Unpack[Look]) -> Page:
        """Return a page of somebody who isn't logged in."""
        return await (await self._open(None, look)).new_page()

    async def customer(self, **look: Unpack[Look]) -> Page:
        """Return a page of the demo customer whom all tests see.

        Look, but change nothing and log out nowhere; else take a new customer.
        """
        return await self.of("customer", **look)

    async def staff(self, role: StaffRole, **look: Unpack[Look]) -> Page:
        """Return a page of the demo staff member, in a session that all tests share."""
        return await self.of(role, **look)

    async def of(self, role: Role, **look: Unpack[Look]) -> Page:
        """Return a page of whoever has this role, in a session that all tests share."""
        if role == "visitor":
            return await self.visitor(**look)
        session = await self.portal.session_of(role, self.watch)
        return await (await self._open(session, look)).new_page()

    async def new_customer(self, **look: Unpack[Look]) -> tuple[Page, Customer]:
        """Return a page of a customer of the test's own, logged in by the form."""
        language = "pt-BR" if look.get("language") == "pt-BR" else "en"
        customer = await register(self.portal.api, language=language)
        return await self.logged_in(Login(customer.email, PASSWORD), **look), customer

    async def logged_in(self, login: Login, **look: Unpack[Look]) -> Page:
        """Return a page of somebody in a session of their own, which may be ended."""
        page = await self.visitor(**look)
        await log_in(page, login)
        return page

    async def _open(self, session: StorageState | None, look: Look) -> BrowserContext:
        context = await self.portal.browser.new_context(
            base_url=self.portal.url,
            storage_state=session,
            locale=look.get("language", "en-US"),
            color_scheme=look.get("theme", "light"),
            java_script_enabled=look.get("javascript", True),
            viewport=PHONE if look.get("phone") else DESKTOP,
            has_touch=look.get("phone", False),
            reduced_motion="reduce",  # what moves would be looked at half-way
            timezone_id="America/Sao_Paulo",
        )
        self._closing.push_async_callback(context.close)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        self.watch.over(context)
        if session is not None:
            await self._choose(context, look.get("language", "en-US"))
        return context

    async def _choose(self, context: BrowserContext, language: Language) -> None:
        """Choose the pages' language, which else is the one of the person's profile."""
        url = self.portal.url
        name = f"clientarea-{URL(url).port}-language"
        value = "en" if language == "en-US" else language
        await context.add_cookies([{"name": name, "value": value, "url": url}])


@dataclass
class Readers:
    """People who only look: what browsers keep spares them most of a page's time."""

    people: People
    _contexts: dict[str, BrowserContext] = field(
        default_factory=dict[str, BrowserContext]
    )
    #: What all of them look at, and the pages on which they see it, by how they look.
    _subject: str = ""
    _pages: dict[str, Page] = field(default_factory=dict[str, Page])

    @property
    def portal(self) -> Portal:
        return self.people.portal

    @property
    def watch(self) -> Watch:
        return self.people.watch

    async def page_of(self, role: Role, **look: Unpack[Look]) -> Page:
        """Return a new page of whoever has this role and looks in this way."""
        key = f"{role} {_key_of(look)}"
        if key in self._contexts:
            page = await self._contexts[key].new_page()
        else:
            page = await self.people.of(role, **look)
            self._contexts[key] = page.context
        self._pages[_key_of(look)] = page
        return page

    def kept_page(self, **look: Unpack[Look]) -> Page | None:
        """Return the last page on which the subject was looked at in this way."""
        return self._pages.get(_key_of(look))

    async def turn_to(self, subject: str) -> None:
        """Look at something else from now on: what shows the last is closed."""
        if subject == self._subject:
            return
        self._subject = subject
        self._pages.clear()
        for context in self._contexts.values():
            for page in context.pages:
                await page.close()


def _key_of(look: Look) -> str:
    return str(sorted(look.items()))


async def wear(page: Page, theme: Theme) -> None:
    """Change the theme of an open page, as the system does at dusk."""
    await page.emulate_media(color_scheme=theme)
    # It learns of it before it is painted.
    await page.evaluate(_PAINTED)


async def log_in(page: Page, login: Login) -> None:
    """Fill in the log-in form; it leads to where the visitor wanted to go."""
    if URL(page.url).path != "/login":
        await page.goto("/login")
    await page.locator("input[name=email]").fill(login.email)
    await page.locator("input[name=password]").fill(login.password)
    await page.locator("input[name=password]").press("Enter")
    await page.wait_for_url(lambda url: URL(url).path != "/login")
