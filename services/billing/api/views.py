"""What billing's objects look like to clients."""

from datetime import date
from functools import lru_cache

from contracts.api.billing.catalogue import PriceView, ProductView
from contracts.api.billing.invoices import (
    InvoiceLineView,
    InvoiceView,
    PartyView,
    StaffInvoiceView,
)
from contracts.api.billing.orders import (
    OrderPreviewView,
    OrderView,
    PreviewLineView,
    ServiceView,
    StaffOrderView,
    StaffServiceView,
)
from contracts.api.billing.runs import BillingRunView
from contracts.money import MoneyModel
from services.billing.domain.catalogue import Price, Product
from services.billing.domain.invoices import Invoice, Line, Party, is_overdue
from services.billing.domain.orders import Order, Preview, PreviewLine
from services.billing.domain.payments import PaymentTerms
from services.billing.domain.runs import Run
from services.billing.domain.services import Service

#: Parties on invoices whose views are at hand.
KEPT_PARTIES = 1000


def view_product(product: Product) -> ProductView:
    return ProductView(
        slug=product.slug,
        name=product.name,
        group=product.group,
        description=product.description,
        prices=[_view_price(price) for price in product.prices],
    )


def view_order(order: Order) -> OrderView:
    return OrderView(
        id=order.id,
        number=order.number,
        status=order.status.value,
        customer_id=order.customer_id,
        invoice_id=order.invoice_id,
        service_ids=list(order.service_ids),
        total=MoneyModel.of(order.total),
        placed_on=order.placed_on,
        expires_on=order.expires_on,
        created_at=order.created_at,
    )


def view_order_for_staff(order: Order, customer_name: str | None) -> StaffOrderView:
    return StaffOrderView(**dict(view_order(order)), customer_name=customer_name)


def view_preview(preview: Preview) -> OrderPreviewView:
    return OrderPreviewView(
        lines=[_view_preview_line(line) for line in preview.lines],
        subtotal=MoneyModel.of(preview.sums.subtotal),
        tax=MoneyModel.of(preview.sums.tax),
        total=MoneyModel.of(preview.sums.total),
        credit_available=MoneyModel.of(preview.credit_available),
        credit_used=MoneyModel.of(preview.credit_used),
        remaining=MoneyModel.of(preview.remaining),
    )


def view_service(service: Service) -> ServiceView:
    return ServiceView(
        id=service.id,
        customer_id=service.customer_id,
        order_id=service.order_id,
        product=service.product_slug,
        product_name=service.product_name,
        label=service.label,
        status=service.status.value,
        period=service.period.value,
        recurring_amount=MoneyModel.of(service.recurring),
        activated_on=service.activated_on,
        paid_until=service.paid_until,
        next_due_on=service.next_due_on,
        cancel_on=service.cancel_on,
        reason=service.reason,
        created_at=service.created_at,
    )


def view_service_for_staff(
    service: Service, customer_name: str | None
) -> StaffServiceView:
    return StaffServiceView(**dict(view_service(service)), customer_name=customer_name)


def view_invoice(invoice: Invoice, terms: PaymentTerms, *, today: date) -> InvoiceView:
    methods = terms.methods(invoice.currency) if invoice.is_open else ()
    return InvoiceView(
        id=invoice.id,
        number=invoice.number,
        kind=invoice.kind.value,
        status=invoice.status.value,
        customer_id=invoice.customer_id,
        order_id=invoice.order_id,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        overdue=is_overdue(invoice, today=today),
        paid_on=invoice.paid_on,
        lines=[_view_line(line) for line in invoice.lines],
        subtotal=MoneyModel.of(invoice.subtotal),
        tax=MoneyModel.of(invoice.tax),
        total=MoneyModel.of(invoice.total),
        paid=MoneyModel.of(invoice.allocated),
        credit_applied=MoneyModel.of(invoice.credit_applied),
        remaining=MoneyModel.of(invoice.remaining),
        payment_methods=[method.value for method in methods],
        buyer=_view_party(invoice.buyer),
        seller=_view_party(invoice.seller),
        created_at=invoice.created_at,
    )


def view_invoice_for_staff(
    invoice: InvoiceView, customer_name: str | None
) -> StaffInvoiceView:
    return StaffInvoiceView(**dict(invoice), customer_name=customer_name)


def view_run(run: Run) -> BillingRunView:
    return BillingRunView(
        id=run.id,
        on=run.on,
        started_at=run.started_at,
        finished_at=run.finished_at,
        issued=run.report.issued,
        credit_applied=run.report.credit_applied,
        orders_cancelled=run.report.orders_cancelled,
        customers_failed=run.report.customers_failed,
    )


def _view_price(price: Price) -> PriceView:
    return PriceView(
        period=price.period.value,
        amount=MoneyModel.of(price.amount),
        setup_fee=MoneyModel.of(price.setup_fee),
    )


def _view_preview_line(line: PreviewLine) -> PreviewLineView:
    return PreviewLineView(
        description=line.description,
        quantity=line.item.quantity,
        unit=MoneyModel.of(line.item.price.amount),
        setup_fee=MoneyModel.of(line.item.price.setup_fee),
        total=MoneyModel.of(line.total),
    )


def _view_line(line: Line) -> InvoiceLineView:
    return InvoiceLineView(
        description=line.description,
        service_id=line.service_id,
        quantity=line.quantity,
        unit=MoneyModel.of(line.unit),
        period_start=line.period_start,
        period_end=line.period_end,
        tax=MoneyModel.of(line.tax),
        total=MoneyModel.of(line.total),
    )


def _view_party(party: Party | None) -> PartyView | None:
    return None if party is None else _view_of_party(party)


@lru_cache(maxsize=KEPT_PARTIES)
def _view_of_party(party: Party) -> PartyView:
    # A list of invoices tells the same two over and over.
    return PartyView(
        name=party.name,
        company=party.company,
        tax_id=party.tax_id,
        email=party.email,
        country=party.country,
        address=list(party.address),
    )
