"""Every page of the portal, for the tests and the pictures that look at them all.

A new page gets a line here. Where its address has an id, a function finds one through
the API, signed in as the page's reader; the demo company has one of each.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Unpack

from playwright.async_api import Locator, Page

from tests.browser.portal import Look, Portal, Readers, Role
from tests.e2e.client import Api
from tests.e2e.journey import choose_transfer, order, register
from tests.e2e.journey import open_invoice as open_invoice_of

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

    #: Whether its title and headings are what people wrote, in whatever language.
    is_peoples: bool = False

    @property
    def is_refused(self) -> bool:
        """Whether it begins with what was wrong, which then has the focus."""
        return HTTPStatus.UNPROCESSABLE_ENTITY in self.statuses

    async def open(self, readers: Readers, **look: Unpack[Look]) -> Page:
        """Return the page, opened anew in the browser of whoever reads it."""
        page = await readers.page_of(self.role, **look)
        readers.watch.allow(*self.statuses)
        await page.goto(await self.address(readers.portal))
        if self.act is not None:
            await self.act(page)
        return page

    async def opened(self, readers: Readers, **look: Unpack[Look]) -> Page:
        """Return the page as the last look at it left it, open it if there was none.

        For looks that change nothing by which another one could be misled.
        """
        readers.watch.allow(*self.statuses)
        return readers.kept_page(**look) or await self.open(readers, **look)

    async def address(self, portal: Portal) -> str:
        if isinstance(self.path, str):
            return self.path
        if self.name not in portal.found:
            api = await portal.api_of(self.role)
            portal.found[self.name] = await self.path(api)
        return portal.found[self.name]


async def send_empty(page: Page) -> None:
    """Send the page's form as it is, past the browser's own checks."""
    await send_as_it_is(page, page.locator("main form[method=post]").first)


async def send_empty_answer(page: Page) -> None:
    await send_as_it_is(page, page.locator("main form:has(#message)"))


async def send_as_it_is(page: Page, form: Locator) -> None:
    # Not a navigation: what the page notes in its history counts as one, too.
    async with page.expect_event("load"):
        await form.evaluate("form => { form.noValidate = true; form.requestSubmit(); }")


async def send_stale(page: Page) -> None:
    """Send the page's form as one of an earlier session."""
    await page.eval_on_selector(
        "main form[method=post] [name=_csrf]", "field => { field.value = 'stale'; }"
    )
    await send_empty(page)


async def send_empty_name(page: Page) -> None:
    await page.fill("#name", "")
    await send_empty(page)


async def service(api: Api) -> str:
    return await first_of(api, "/services")


async def mail(api: Api) -> str:
    return await first_of(api, "/emails")


async def open_invoice(api: Api) -> str:
    return await first_of(api, "/invoices", "?status=open")


async def paid_invoice(api: Api) -> str:
    return await first_of(api, "/invoices", "?status=paid")


async def payment_under_way(api: Api) -> str:
    """Begin one with an invoice of its own, as the demo has only what has arrived."""
    funds = {"amount": {"amount": "15.00", "currency": "BRL"}, "method": "deposit"}
    top_up = await api.post("/credit/top-ups", funds)
    return f"/payments/{top_up['payment']['id']}"


async def payment_received(api: Api) -> str:
    return await first_of(api, "/payments", "?status=succeeded")


async def add_too_little(page: Page) -> None:
    await page.locator("input[name='amount.amount']").fill("0,50")
    await send_empty(page)


async def ticket(api: Api) -> str:
    return await first_of(api, "/tickets")


async def ticket_for_staff(api: Api) -> str:
    return await first_of(api, "/staff/tickets")


async def finance_ticket(api: Api) -> str:
    return await first_of(api, "/staff/tickets", "?department=finance")


async def ticket_about_an_invoice(api: Api) -> str:
    invoice = (await api.get("/invoices"))["items"][0]
    return f"/tickets/new?department=finance&invoice={invoice['id']}"


async def payment_to_confirm(api: Api) -> str:
    """Begin one as a new customer, as the demo has only what has arrived."""
    customer = await register(api.bearing(""))
    placed = await order(customer)
    invoice = await open_invoice_of(customer, placed["invoice_id"])
    payment = await choose_transfer(customer, invoice["id"])
    return f"/staff/payments/{payment['id']}"


async def payment_confirmed(api: Api) -> str:
    return await first_of(api, "/staff/payments", "?status=succeeded")


async def customer_for_staff(api: Api) -> str:
    return await first_of(api, "/staff/customers", "?q=padaria")


async def invoice_for_staff(api: Api) -> str:
    return await first_of(api, "/staff/invoices", "?status=open")


async def service_for_staff(api: Api) -> str:
    return await first_of(api, "/staff/services")


async def article_for_staff(api: Api) -> str:
    articles = (await api.get("/staff/news"))["items"]
    return f"/staff/news/articles/{articles[0]['slug']}"


async def first_of(api: Api, path: str, query: str = "") -> str:
    """Return the page of the first thing in a list."""
    found = await api.get(path + query)
    return f"{path}/{found['items'][0]['id']}"


PAGES = (
    Shown("log-in", "/login", "visitor"),
    Shown("registration", "/register", "visitor"),
    Shown("forgotten password", "/forgot-password", "visitor"),
    Shown("registration refused", "/register", "visitor", send_empty, (422,)),
    Shown("new password", "/reset-password?token=none", "visitor"),
    Shown("e-mail to confirm", "/verify-email?token=none", "visitor"),
    Shown("link refused", "/verify-email?token=none", "visitor", send_empty, (422,)),
    Shown("catalogue of a visitor", "/order", "visitor"),
    Shown("news of a visitor", "/news", "visitor"),
    Shown("components", "/style", "visitor"),
    Shown("no such page", "/nowhere", "visitor", statuses=(404,)),
    Shown("dashboard", "/", "customer"),
    Shown("empty dashboard", "/", "newcomer"),
    Shown("catalogue", "/order", "customer"),
    Shown("choice", "/order/vps-2", "customer"),
    Shown(
        "choice refused", "/order/vps-2?items.0.quantity=99", "customer", None, (422,)
    ),
    Shown("services", "/services", "customer"),
    Shown("no services", "/services", "newcomer"),
    Shown("service", service, "customer"),
    Shown("domains", "/domains", "customer"),
    Shown("news", "/news", "customer"),
    Shown("my invoices", "/invoices", "customer"),
    Shown("no invoices", "/invoices", "newcomer"),
    Shown("all pending invoices", "/invoices/pay?all", "customer"),
    Shown("payment refused", "/invoices", "customer", send_empty, (422,)),
    Shown("previous invoices", "/invoices/history", "customer"),
    Shown("future payments", "/invoices/coming", "customer"),
    Shown("open invoice", open_invoice, "customer"),
    Shown("paid invoice", paid_invoice, "customer"),
    Shown("payments", "/payments", "customer"),
    Shown("payment under way", payment_under_way, "customer"),
    Shown("payment received", payment_received, "customer"),
    Shown("adding funds", "/add-funds", "customer"),
    Shown("adding funds refused", "/add-funds", "customer", add_too_little, (422,)),
    Shown("credit statement", "/credit", "customer"),
    Shown("no credit", "/credit", "newcomer"),
    Shown("e-mails", "/emails", "customer"),
    Shown("e-mail", mail, "customer"),
    Shown("profile", "/profile", "customer"),
    Shown("profile refused", "/profile", "newcomer", send_empty_name, (422,)),
    Shown("form given back", "/profile", "newcomer", send_stale, (409,)),
    Shown("password and devices", "/security", "customer"),
    Shown("password and devices of staff", "/security", "support"),
    Shown("tickets", "/tickets", "customer"),
    Shown("no tickets", "/tickets", "newcomer"),
    Shown("new ticket", "/tickets/new", "customer"),
    Shown("new ticket about an invoice", ticket_about_an_invoice, "customer"),
    Shown("new ticket refused", "/tickets/new", "customer", send_empty, (422,)),
    Shown("ticket", ticket, "customer", is_peoples=True),
    Shown("tickets to answer", "/staff/tickets", "support"),
    Shown("all tickets", "/staff/tickets?list=all", "support"),
    Shown("tasks", "/staff/tickets?list=tasks", "support"),
    Shown("ticket for staff", ticket_for_staff, "support", is_peoples=True),
    Shown("no ticket found", "/staff/tickets?q=nothing", "support"),
    Shown(
        "answer refused",
        ticket_for_staff,
        "support",
        send_empty_answer,
        (422,),
        is_peoples=True,
    ),
    Shown("ticket for finance", finance_ticket, "finance", is_peoples=True),
    Shown("payments to confirm", "/staff/payments", "finance"),
    Shown("all payments", "/staff/payments?list=all", "finance"),
    Shown("payment to confirm", payment_to_confirm, "finance"),
    Shown("confirmation refused", payment_to_confirm, "finance", send_empty, (422,)),
    Shown("payment confirmed", payment_confirmed, "finance"),
    Shown("payment not for support", "/staff/payments", "support", None, (403,)),
    Shown("customers", "/staff/customers", "support"),
    Shown("customer", customer_for_staff, "finance"),
    Shown("all invoices", "/staff/invoices", "support"),
    Shown("invoice for staff", invoice_for_staff, "finance"),
    Shown("service for staff", service_for_staff, "support"),
    Shown("daily run", "/staff/billing-runs", "admin"),
    Shown("ledger audit", "/staff/ledger?run=1", "finance"),
    Shown("all news", "/staff/news", "admin"),
    Shown("new article", "/staff/news/new", "admin"),
    Shown("new article refused", "/staff/news/new", "admin", send_empty, (422,)),
    Shown("article", article_for_staff, "admin"),
    Shown("all e-mails", "/staff/emails", "admin"),
)
