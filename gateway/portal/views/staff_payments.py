"""Payments for finance: what is to be confirmed, and that its money has arrived."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import staff
from contracts.api.billing.invoices import StaffInvoiceView
from contracts.api.billing.orders import StaffServiceView
from contracts.api.billing.payments import StaffPaymentView
from contracts.api.tickets import StaffTicketView
from contracts.money import MoneyModel
from gateway.portal import formats
from gateway.portal.forms import Form
from gateway.portal.languages import N_, current_language, gettext
from gateway.portal.outcome import Outcome
from gateway.portal.pages import Pages
from gateway.portal.views.staff_clock import business_time
from gateway.portal.views.staff_latest import latest
from gateway.portal.visit import Visit, in_path
from gateway.services import if_there

#: What the list can show, and the statuses that it then asks for.
LISTS = {
    "confirm": "awaiting_confirmation",
    "received": "succeeded",
    "ended": "cancelled,failed,expired",
    "all": None,
}
#: Money may still arrive for those.
ENDED = ("cancelled", "failed", "expired")
#: The API's own word for the account that is meant where none is named.
USUAL_ACCOUNT = "main"
#: Open tickets of finance among which a list's proofs are looked for.
MOST_TICKETS = 100
#: More services of one payment aren't listed.
MOST_SERVICES = 20

AMOUNT = "amount.amount"
CURRENCY = "amount.currency"

pages = Pages()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which payments the list shows; whoever searches, searches all."""

    list: str
    q: str | None
    customer: str | None

    @classmethod
    def of(cls, visit: Visit) -> "Wanted":
        q = visit.query.get("q", "").strip() or None
        customer = visit.query.get("customer") or None
        chosen = visit.query.get("list", "")
        if chosen not in LISTS:
            chosen = "all" if q or customer else "confirm"
        return cls(chosen, q, customer)


@pages.get("/staff/payments", policy=staff("payments.read"))
async def list_payments(visit: Visit) -> web.Response:
    wanted = Wanted.of(visit)
    payments, proofs, now = await asyncio.gather(
        visit.api.get(
            "/staff/payments",
            Page[StaffPaymentView],
            status=LISTS[wanted.list],
            q=wanted.q,
            customer_id=wanted.customer,
            cursor=visit.query.get("cursor"),
            count=True,
        ),
        _open_proofs(visit),
        business_time(visit),
    )
    return visit.render(
        "staff_payments/list.html",
        wanted=wanted,
        payments=payments,
        knows_proofs=proofs is not None,
        proof_of=partial(_proof_of, proofs or {}),
        age=partial(formats.ago, now=now),
    )


@pages.get("/staff/payments/{payment_id}", policy=staff("payments.read"))
async def show_payment(visit: Visit, payment_id: UUID) -> web.Response:
    return await _show(visit, payment_id, None)


@pages.post("/staff/payments/{payment_id}", policy=staff("payments.confirm"))
async def confirm_payment(visit: Visit, payment_id: UUID) -> web.Response:
    """Say what the bank's statement shows; the page then tells what came of it."""
    form, path = visit.form, f"/staff/payments/{payment_id}"
    confirmed = await form.send(
        visit.api.post(
            f"{path}/confirmation",
            StaffPaymentView,
            {
                **form.body("bank_reference", "bank_account", "ticket_id"),
                "amount": {
                    "amount": formats.typed_amount(form[AMOUNT], form[CURRENCY]),
                    "currency": form[CURRENCY],
                },
            },
            key=form.key,
        )
    )
    if confirmed is None:
        return await _show(visit, payment_id, form)
    return visit.go(path, notice=N_("The payment is confirmed."))


async def _show(visit: Visit, payment_id: UUID, refused: Form | None) -> web.Response:
    payment = await visit.api.get(f"/staff/payments/{payment_id}", StaffPaymentView)
    invoices, tickets, now = await asyncio.gather(
        _invoices(visit, payment), _tickets(visit, payment), business_time(visit)
    )
    return visit.render(
        "staff_payments/payment.html",
        status=visit.form.status,
        form=refused or _confirmation(visit, payment, tickets or []),
        payment=payment,
        shares=[(share, invoices.get(share.invoice_id)) for share in payment.invoices],
        services=await _services(visit, invoices.values()),
        tickets=tickets,
        ticket_options=[
            (str(ticket.id), f"{ticket.protocol} · {ticket.subject}")
            for ticket in tickets or ()
        ],
        bank_accounts=_bank_accounts(visit),
        came_of=Outcome.of(payment),
        may_arrive=payment.status in ENDED,
        age=partial(formats.ago, now=now),
    )


def _confirmation(
    visit: Visit, payment: StaffPaymentView, tickets: Sequence[StaffTicketView]
) -> Form:
    """Return the form as it is found: all has arrived, proved by the newest ticket."""
    named = visit.query.get("ticket")
    likely = [t for t in tickets if t.status != "closed" and t.department == "finance"]
    return Form.filled(
        amount__amount=_as_typed(payment.amount),
        amount__currency=payment.amount.currency,
        bank_account=next(iter(_bank_accounts(visit))),
        bank_reference="",
        ticket_id=named or (str(likely[0].id) if likely else ""),
    )


def _bank_accounts(visit: Visit) -> Mapping[str, str]:
    """Return what people call the company's bank accounts, the usual one first."""
    named = visit.portal.settings.bank_accounts
    return named or {USUAL_ACCOUNT: gettext("Main account")}


def _as_typed(amount: MoneyModel) -> str:
    """Return the amount as people of the page's language type it."""
    decimals = "," if current_language() == "pt-BR" else "."
    return amount.amount.replace(".", decimals)


async def _invoices(
    visit: Visit, payment: StaffPaymentView
) -> Mapping[UUID, StaffInvoiceView]:
    if not visit.may("invoices.read"):
        return {}
    found = await asyncio.gather(
        *(
            if_there(
                visit.api.get(f"/staff/invoices/{share.invoice_id}", StaffInvoiceView)
            )
            for share in payment.invoices
        )
    )
    return {invoice.id: invoice for invoice in found if invoice is not None}


async def _services(
    visit: Visit, invoices: Iterable[StaffInvoiceView]
) -> list[StaffServiceView]:
    """Return what the invoices pay for."""
    if not visit.may("services.read"):
        return []
    ids = {
        line.service_id: None
        for invoice in invoices
        for line in invoice.lines
        if line.service_id is not None
    }
    found = await asyncio.gather(
        *(
            if_there(visit.api.get(f"/staff/services/{each}", StaffServiceView))
            for each in list(ids)[:MOST_SERVICES]
        )
    )
    return [service for service in found if service is not None]


async def _tickets(
    visit: Visit, payment: StaffPaymentView
) -> list[StaffTicketView] | None:
    """Return the tickets about what it pays, newest first; None: not to be had."""
    about = await asyncio.gather(
        *(
            latest(visit, "tickets", StaffTicketView, invoice_id=share.invoice_id)
            for share in payment.invoices
        )
    )
    named = payment.ticket_id or visit.query.get("ticket")
    alone = (
        await if_there(
            visit.api.get(f"/staff/tickets/{in_path(str(named))}", StaffTicketView)
        )
        if named and visit.may("tickets.read")
        else None
    )
    if None in about:
        return None
    found = [ticket for page in about if page for ticket in page.items]
    if alone is not None and alone.id not in {ticket.id for ticket in found}:
        found.append(alone)
    return sorted(found, key=lambda ticket: ticket.created_at, reverse=True)


async def _open_proofs(visit: Visit) -> Mapping[UUID, StaffTicketView] | None:
    """Return finance's open tickets by their invoices; None: not all are known."""
    found = await latest(
        visit,
        "tickets",
        StaffTicketView,
        department="finance",
        closed=False,
        limit=MOST_TICKETS,
    )
    if found is None or found.next is not None:
        return None
    tickets = reversed(found.items)
    return {ticket.invoice_id: ticket for ticket in tickets if ticket.invoice_id}


def _proof_of(
    proofs: Mapping[UUID, StaffTicketView], payment: StaffPaymentView
) -> StaffTicketView | None:
    found = (proofs.get(share.invoice_id) for share in payment.invoices)
    return next((ticket for ticket in found if ticket is not None), None)
