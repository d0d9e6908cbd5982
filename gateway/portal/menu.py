"""The menus: what stands in them, and what of it a person may open."""

from dataclasses import dataclass

from gateway.portal.languages import N_
from gateway.portal.visit import Visit


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the menu; `permission` is what its page asks for."""

    label: str
    path: str
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the top menu: a link by itself, or several under one word."""

    label: str
    icon: str
    entries: tuple[Entry, ...]

    @property
    def is_single(self) -> bool:
        return len(self.entries) == 1

    def is_current(self, path: str) -> bool:
        return any(_leads_to(entry.path, path) for entry in self.entries)


CUSTOMER = (
    Section(N_("Home"), "home", (Entry(N_("Home"), "/"),)),
    Section(
        N_("Services"),
        "server",
        (
            Entry(N_("My Services"), "/services", "services"),
            Entry(N_("Order"), "/order", "services"),
        ),
    ),
    Section(N_("Domains"), "world", (Entry(N_("Domains"), "/domains", "services"),)),
    Section(
        N_("Invoices"),
        "file-invoice",
        (
            Entry(N_("My Invoices"), "/invoices", "billing"),
            Entry(N_("Add Funds"), "/add-funds", "billing"),
            Entry(N_("Credit statement"), "/credit", "billing"),
        ),
    ),
    Section(
        N_("Support"),
        "lifebuoy",
        (
            Entry(N_("Open Ticket"), "/tickets/new", "tickets"),
            Entry(N_("My Tickets"), "/tickets", "tickets"),
            Entry(N_("News"), "/news"),
        ),
    ),
)
STAFF = (
    Section(
        N_("Tickets"),
        "lifebuoy",
        (Entry(N_("Tickets"), "/staff/tickets", "tickets.read"),),
    ),
    Section(
        N_("Payments"),
        "cash",
        (Entry(N_("Payments"), "/staff/payments", "payments.read"),),
    ),
    Section(
        N_("Customers"),
        "users",
        (Entry(N_("Customers"), "/staff/customers", "customers.read"),),
    ),
    Section(
        N_("Invoices"),
        "file-invoice",
        (Entry(N_("Invoices"), "/staff/invoices", "invoices.read"),),
    ),
    Section(
        N_("Operations"),
        "settings",
        (
            Entry(N_("Daily run"), "/staff/billing-runs", "billing.run"),
            Entry(N_("Ledger audit"), "/staff/ledger", "ledger.audit"),
            Entry(N_("News"), "/staff/news", "news.write"),
            Entry(N_("E-mails"), "/staff/emails", "operations"),
        ),
    ),
)
VISITOR = (
    Section(N_("Products"), "server", (Entry(N_("Products"), "/order"),)),
    Section(N_("News"), "news", (Entry(N_("News"), "/news"),)),
)


def menu_of(visit: Visit) -> list[Section]:
    """Return the sections that the visitor can open something of."""
    principal = visit.principal
    sections = (
        VISITOR if principal is None else STAFF if principal.is_staff else CUSTOMER
    )
    trimmed = (
        Section(section.label, section.icon, _allowed(section, visit))
        for section in sections
    )
    return [section for section in trimmed if section.entries]


def is_current(entry: Entry, path: str) -> bool:
    """Tell whether the entry leads to the page that is shown."""
    return entry.path == path


def _allowed(section: Section, visit: Visit) -> tuple[Entry, ...]:
    return tuple(
        entry
        for entry in section.entries
        if not entry.permission or visit.may(entry.permission)
    )


def _leads_to(entry_path: str, path: str) -> bool:
    if entry_path == "/":
        return path == "/"
    return path == entry_path or path.startswith(entry_path + "/")
