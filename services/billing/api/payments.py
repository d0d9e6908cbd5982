"""The routes of payments: choosing how to pay, and finance's confirmation."""

from datetime import datetime
from uuid import UUID

from chassis.db import Transaction
from chassis.errors import RuleViolated
from chassis.http import Call, Page, Routes, customer, decode_cursor, signed_in, staff
from contracts.api.billing.payments import (
    ConfirmPayment,
    ListPayments,
    ListStaffPayments,
    NextActionView,
    PaymentMethodsQuery,
    PaymentMethodsView,
    PaymentMethodView,
    PaymentPreviewView,
    PaymentShareView,
    PaymentView,
    PaymentWithCreditView,
    PreviewPayment,
    StaffPaymentView,
    StartedPaymentView,
    StartPayment,
)
from contracts.money import MoneyModel
from services.billing.api.amounts import expected_of
from services.billing.api.views import view_invoice
from services.billing.api.waiting import check_ticket, wait_until_issued
from services.billing.commands.payments import (
    Choice,
    Started,
    confirm_payment,
    preview_payment,
    start_payment,
)
from services.billing.domain.payments import (
    BY_HAND,
    Confirmation,
    Payment,
    PaymentStatus,
    read_received,
)
from services.billing.domain.transfers import instructions
from services.billing.settings import SETTINGS
from services.billing.store import payments as store
from services.billing.store.customers import list_customer_names
from services.billing.store.payments import PaymentFilter

routes = Routes(tag="payments")


@routes.get("/payment-methods", policy=signed_in())
async def list_payment_methods(
    call: Call, query: PaymentMethodsQuery
) -> PaymentMethodsView:
    """List the methods that are offered in a currency."""
    currency = query.currency or call.principal.currency
    if currency is None:
        raise RuleViolated("is needed: staff has none of its own", field="currency")
    return PaymentMethodsView(currency=currency, items=_view_methods(call, currency))


@routes.post("/payments", policy=customer("billing"), status=201)
async def create_payment(call: Call, body: StartPayment) -> StartedPaymentView:
    """Start to pay all that remains of one or several invoices.

    With `use_credit`, credit pays first what it can, and the payment asks for the rest;
    the answer is then another: it tells what credit has paid, and the payment if
    something is left. An earlier attempt for any of the invoices that still waits is
    cancelled. With `expected`, 409 and nothing is done if another sum than that would
    be charged.
    """
    if body.method is None and not body.use_credit:
        raise RuleViolated("is required", field="method")
    choice = _choice(call, body)
    await wait_until_issued(call, body.invoice_ids)
    async with call.transaction() as tx:
        started = await start_payment(
            tx,
            choice,
            terms=call.resources[SETTINGS].payment_terms,
            on=call.today,
            now=call.now,
        )
        view = _view_started(call, started, use_credit=body.use_credit)
        return await call.complete(tx, view)


@routes.post("/payments/preview", policy=customer("billing"), keeps_answer=False)
async def preview_invoices(call: Call, body: PreviewPayment) -> PaymentPreviewView:
    """Preview a payment.

    Says to the cent what `POST /payments` for the same invoices would take from credit
    and charge, and changes nothing.
    """
    choice = Choice(
        customer_id=call.customer_id,
        invoice_ids=body.invoice_ids,
        method=None,
        use_credit=body.use_credit,
    )
    async with call.reading() as tx:
        quote = await preview_payment(tx, choice)
    return PaymentPreviewView(
        total=MoneyModel.of(quote.total),
        credit_available=MoneyModel.of(quote.credit_available),
        credit_used=MoneyModel.of(quote.credit_used),
        remaining=MoneyModel.of(quote.charged),
        methods=_view_methods(call, quote.currency),
    )


@routes.get("/payments", policy=customer("billing"))
async def list_payments(call: Call, query: ListPayments) -> Page[PaymentView]:
    """List the caller's payments, newest first."""
    wanted = PaymentFilter(
        scope=call.customer_id,
        statuses=_statuses(query),
        invoice_id=query.invoice_id,
    )
    found, total = await _find(call, query, wanted)
    return Page[PaymentView].of(
        [view_payment(call, payment) for payment in found],
        limit=query.limit,
        cursor=_place,
        total=total,
    )


@routes.get("/payments/{payment_id}", policy=customer("billing"))
async def show_payment(call: Call, payment_id: UUID) -> PaymentView:
    """Show one payment."""
    async with call.reading() as tx:
        payment = await store.get_payment(tx, call.customer_id, payment_id)
    return view_payment(call, payment)


@routes.get("/staff/payments", policy=staff("payments.read"))
async def list_staff_payments(
    call: Call, query: ListStaffPayments
) -> Page[StaffPaymentView]:
    """List all payments, newest first; by status those that are to be confirmed."""
    wanted = PaymentFilter(
        scope=query.customer_id,
        statuses=_statuses(query),
        invoice_id=query.invoice_id,
        reference=query.q.upper() if query.q else None,
    )
    found, total = await _find(call, query, wanted)
    async with call.reading() as tx:
        names = await list_customer_names(tx, (p.customer_id for p in found))
    return Page[StaffPaymentView].of(
        [_view_for_staff(call, p, names[p.customer_id]) for p in found],
        limit=query.limit,
        cursor=_place,
        total=total,
    )


@routes.get("/staff/payments/{payment_id}", policy=staff("payments.read"))
async def show_staff_payment(call: Call, payment_id: UUID) -> StaffPaymentView:
    """Show one payment of any customer."""
    async with call.reading() as tx:
        return await _show_for_staff(call, tx, payment_id)


@routes.post(
    "/staff/payments/{payment_id}/confirmation",
    policy=staff("payments.confirm"),
    status=201,
)
async def confirm_staff_payment(
    call: Call, payment_id: UUID, body: ConfirmPayment
) -> StaffPaymentView:
    """Confirm what the bank's statement shows, once for each bank reference.

    Short money pays a part, the oldest invoice first; what is too much becomes credit.
    """
    async with call.reading() as tx:
        payment = await store.get_payment(tx, None, payment_id)
    received = read_received(body.amount.amount, body.amount.currency, payment)
    if body.ticket_id:
        await check_ticket(call, body.ticket_id, payment.customer_id)
    seen = Confirmation(
        received=received,
        bank_account=body.bank_account,
        bank_reference=body.bank_reference,
        confirmed_by=call.principal.user_id,
        ticket_id=body.ticket_id,
    )
    async with call.transaction() as tx:
        await confirm_payment(tx, payment_id, seen, on=call.today, now=call.now)
        # Only now do its shares tell what each invoice got.
        return await call.complete(tx, await _show_for_staff(call, tx, payment_id))


def view_payment(call: Call, payment: Payment) -> PaymentView:
    """Show a payment, in the caller's language."""
    return PaymentView(
        id=payment.id,
        status=payment.status.value,
        method=payment.method.value,
        amount=MoneyModel.of(payment.amount),
        received=MoneyModel.of(payment.received) if payment.received else None,
        reference=payment.reference,
        invoices=[
            PaymentShareView(
                invoice_id=share.invoice_id,
                amount=MoneyModel.of(share.asked),
                paid=MoneyModel.of(share.paid),
            )
            for share in payment.shares
        ],
        next_action=_next_action(call, payment),
        created_at=payment.created_at,
        succeeded_at=payment.succeeded_at,
    )


def _choice(call: Call, body: StartPayment) -> Choice:
    return Choice(
        customer_id=call.customer_id,
        invoice_ids=body.invoice_ids,
        method=body.method,
        use_credit=body.use_credit,
        expected=expected_of(body.expected),
    )


def _view_started(
    call: Call, started: Started, *, use_credit: bool
) -> StartedPaymentView:
    payment = view_payment(call, started.payment) if started.payment else None
    if payment is not None and not use_credit:
        return StartedPaymentView(payment)
    terms = call.resources[SETTINGS].payment_terms
    return StartedPaymentView(
        PaymentWithCreditView(
            payment=payment,
            credit_used=MoneyModel.of(started.credit_used),
            invoices=[
                view_invoice(invoice, terms, today=call.today)
                for invoice in started.invoices
            ],
        )
    )


def _view_methods(call: Call, currency: str) -> list[PaymentMethodView]:
    return [
        PaymentMethodView(method=method.value, by_hand=method in BY_HAND)
        for method in call.resources[SETTINGS].payment_terms.methods(currency)
    ]


async def _show_for_staff(
    call: Call, tx: Transaction, payment_id: UUID
) -> StaffPaymentView:
    payment = await store.get_payment(tx, None, payment_id)
    names = await list_customer_names(tx, [payment.customer_id])
    return _view_for_staff(call, payment, names[payment.customer_id])


def _view_for_staff(
    call: Call, payment: Payment, customer_name: str | None
) -> StaffPaymentView:
    return StaffPaymentView(
        **dict(view_payment(call, payment)),
        customer_id=payment.customer_id,
        customer_name=customer_name,
        bank_account=payment.bank_account,
        bank_reference=payment.bank_reference,
        ticket_id=payment.ticket_id,
        confirmed_by=payment.confirmed_by,
    )


def _next_action(call: Call, payment: Payment) -> NextActionView | None:
    if payment.status is not PaymentStatus.AWAITING_CONFIRMATION:
        return None
    terms = call.resources[SETTINGS].payment_terms
    account = terms.instructions.get(payment.currency, "")
    return NextActionView(
        type="show_instructions",
        instructions=instructions(payment, account, call.principal.locale),
        reference=payment.reference,
    )


async def _find(
    call: Call, query: ListPayments, wanted: PaymentFilter
) -> tuple[list[Payment], int | None]:
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        found = await store.list_payments(
            tx, wanted, before=before, limit=query.limit + 1
        )
        total = await query.total(found, lambda: store.count_payments(tx, wanted))
    return found, total


def _place(payment: PaymentView) -> tuple[datetime, UUID]:
    return payment.created_at, payment.id


def _statuses(query: ListPayments) -> list[PaymentStatus] | None:
    return [PaymentStatus(name) for name in query.status] if query.status else None
