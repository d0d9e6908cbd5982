"""The company's terms: who sells, and the days that billing counts by."""

from dataclasses import dataclass
from datetime import date, timedelta

from services.billing.domain.invoices import Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Settings that commands decide by; they are handed in, never looked up."""

    seller: Party
    invoice_lead_days: int = 10
    first_invoice_due_days: int = 3
    unpaid_order_days: int = 14

    def first_due_on(self, placed_on: date) -> date:
        """Return when an order's invoice is to be paid."""
        return placed_on + timedelta(days=self.first_invoice_due_days)

    def order_expires_on(self, placed_on: date) -> date:
        """Return the day on which an order that is still unpaid is cancelled."""
        return placed_on + timedelta(days=self.unpaid_order_days)

    def issues_on(self, due_on: date) -> date:
        """Return the first day whose run issues a renewal that is due then."""
        return due_on - timedelta(days=self.invoice_lead_days)

    def issues_through(self, on: date) -> date:
        """Return the last due date whose renewal invoice is issued by `on`."""
        return on + timedelta(days=self.invoice_lead_days)
