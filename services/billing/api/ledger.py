"""The routes of finance and audit: voiding an invoice, proving the ledger."""

from uuid import UUID

from chassis.checks import run_checks
from chassis.http import Call, Routes, staff
from contracts.api.billing.invoices import StaffInvoiceView
from contracts.api.billing.ledger import AuditView
from contracts.api.billing.payments import VoidInvoice
from services.billing.api.views import view_invoice, view_invoice_for_staff
from services.billing.checks import CHECKS
from services.billing.commands.voiding import void_by_staff
from services.billing.settings import SETTINGS
from services.billing.store.customers import list_customer_names

#: It reads the whole ledger.
AUDIT_SECONDS = 120.0

routes = Routes(tag="ledger")


@routes.get("/staff/ledger/audit", policy=staff("ledger.audit"), seconds=AUDIT_SECONDS)
async def audit_ledger(call: Call) -> AuditView:
    """Derive every balance anew and say whether all agree, or which does not."""
    return AuditView.model_validate(await run_checks(call.database, CHECKS))


@routes.post("/staff/invoices/{invoice_id}/void", policy=staff("invoices.write"))
async def void_staff_invoice(
    call: Call, invoice_id: UUID, body: VoidInvoice
) -> StaffInvoiceView:
    """Make an invoice void: what was paid on it becomes credit.

    A first invoice takes its order, and the services that waited for it, with it.
    """
    async with call.transaction() as tx:
        invoice = await void_by_staff(
            tx, invoice_id, reason=body.reason, on=call.today, now=call.now
        )
        names = await list_customer_names(tx, [invoice.customer_id])
        view = view_invoice(
            invoice, call.resources[SETTINGS].payment_terms, today=call.today
        )
        name = names[invoice.customer_id]
        return await call.complete(tx, view_invoice_for_staff(view, name))
