"""The proof: every figure that billing keeps, derived anew; nothing here writes."""

from chassis.checks import Check
from services.billing.checks.chain import CHAIN
from services.billing.checks.invoices import INVOICES
from services.billing.checks.ledger import LEDGER

CHECKS: tuple[Check, ...] = (*LEDGER, CHAIN, *INVOICES)
