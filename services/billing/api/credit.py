"""The routes of credit: what there is, adding to it, and paying invoices with it."""

from uuid import UUID

from chassis.db import Transaction
from chassis.http import Call, Page, Routes, customer, decode_cursor
from chassis.money import Money
from contracts.api.billing.credit import (
    ApplyCredit,
    CreditLimitsView,
    CreditView,
    MovementView,
    OpenTopUp,
    StatementQuery,
    TopUpView,
)
from contracts.api.billing.invoices import InvoiceView
from contracts.api.billing.payments import PaymentView
from contracts.money import MoneyModel
from services.billing.api.payments import view_payment
from services.billing.api.views import view_invoice
from services.billing.api.waiting import wait_until_issued
from services.billing.commands.credit import apply_credit, unapply_credit
from services.billing.commands.payments import Choice, start_payment
from services.billing.commands.topups import open_top_up
from services.billing.domain.credit import (
    CreditTerms,
    Movement,
    read_top_up,
)
from services.billing.domain.invoices import Invoice
from services.billing.settings import SETTINGS
from services.billing.store.balances import list_credit
from services.billing.store.credit import count_movements, list_movements
from services.billing.store.customers import find_known_customer

routes = Routes(tag="credit")


@routes.get("/credit", policy=customer("billing"))
async def show_credit(call: Call) -> CreditView:
    """Show the caller's credit in each currency, and what may be added."""
    async with call.reading() as tx:
        balances = await list_credit(tx, call.customer_id)
    own = call.principal.currency
    if own and own not in {balance.currency for balance in balances}:
        balances.append(Money.zero(own))
    return CreditView(
        balances=[MoneyModel.of(balance) for balance in balances],
        limits=_view_limits(call.resources[SETTINGS].credit_terms),
    )


@routes.get("/credit/statement", policy=customer("billing"))
async def list_statement(call: Call, query: StatementQuery) -> Page[MovementView]:
    """List every movement of the caller's credit with its cause, newest first."""
    before = decode_cursor(query.cursor, int)
    async with call.reading() as tx:
        movements = await list_movements(
            tx,
            call.customer_id,
            query.currency,
            before=before[0] if before else None,
            limit=query.limit + 1,
        )
        total = await query.total(
            movements, lambda: count_movements(tx, call.customer_id, query.currency)
        )
    page = Page[Movement].of(
        movements,
        limit=query.limit,
        cursor=lambda movement: (movement.seq,),
        total=total,
    )
    return Page(
        items=[_view_movement(movement) for movement in page.items],
        next=page.next,
        total=total,
    )


@routes.post("/credit/top-ups", policy=customer("billing"), status=201)
async def create_top_up(call: Call, body: OpenTopUp) -> TopUpView:
    """Ask for an invoice whose payment is added to the caller's credit.

    The balance changes once it is paid. With a method, its payment is started too.
    """
    settings = call.resources[SETTINGS]
    amount = read_top_up(
        body.amount.amount, body.amount.currency, settings.credit_terms
    )
    await call.wait_for(
        lambda tx: find_known_customer(tx, call.customer_id), of="accounts"
    )
    async with call.transaction() as tx:
        invoice = await open_top_up(
            tx,
            call.customer_id,
            amount,
            credit_terms=settings.credit_terms,
            terms=settings.terms,
            on=call.today,
            now=call.now,
        )
        payment = await _start(call, tx, invoice, body.method)
        view = TopUpView(**dict(_view(call, invoice)), payment=payment)
        return await call.complete(tx, view)


@routes.post("/invoices/{invoice_id}/credit", policy=customer("billing"))
async def pay_with_credit(
    call: Call, invoice_id: UUID, body: ApplyCredit
) -> InvoiceView:
    """Pay an open invoice with credit; a payment that was waiting for it is cancelled.

    What remains can be paid by another method, which asks for exactly that.
    """
    amount = (
        Money.parse(body.amount.amount, body.amount.currency, field="amount.amount")
        if body.amount
        else None
    )
    await wait_until_issued(call, [invoice_id])
    async with call.transaction() as tx:
        invoice = await apply_credit(
            tx,
            customer_id=call.customer_id,
            invoice_id=invoice_id,
            amount=amount,
            on=call.today,
            now=call.now,
        )
        return await call.complete(tx, _view(call, invoice))


@routes.delete("/invoices/{invoice_id}/credit", policy=customer("billing"))
async def take_credit_back(call: Call, invoice_id: UUID) -> InvoiceView:
    """Give back the credit that pays a part of an invoice which is still open."""
    async with call.transaction() as tx:
        invoice = await unapply_credit(
            tx,
            customer_id=call.customer_id,
            invoice_id=invoice_id,
            on=call.today,
            now=call.now,
        )
    return _view(call, invoice)


async def _start(
    call: Call, tx: Transaction, invoice: Invoice, method: str | None
) -> PaymentView | None:
    if method is None:
        return None
    choice = Choice(
        customer_id=call.customer_id, invoice_ids=[invoice.id], method=method
    )
    terms = call.resources[SETTINGS].payment_terms
    started = await start_payment(tx, choice, terms=terms, on=call.today, now=call.now)
    return view_payment(call, started.payment) if started.payment else None


def _view(call: Call, invoice: Invoice) -> InvoiceView:
    return view_invoice(
        invoice, call.resources[SETTINGS].payment_terms, today=call.today
    )


def _view_limits(terms: CreditTerms) -> list[CreditLimitsView]:
    return [
        CreditLimitsView(
            currency=currency,
            minimum=MoneyModel.of(limits.minimum),
            maximum=MoneyModel.of(limits.maximum),
            maximum_balance=MoneyModel.of(limits.maximum_balance),
        )
        for currency, limits in sorted(terms.limits.items())
    ]


def _view_movement(movement: Movement) -> MovementView:
    return MovementView(
        at=movement.at,
        change=MoneyModel.of(movement.change),
        balance=MoneyModel.of(movement.balance),
        reason=movement.reason.value,
        invoice_id=movement.invoice_id,
        invoice_number=movement.invoice_number,
        payment_id=movement.payment_id,
        payment_reference=movement.payment_reference,
    )
