"""Events as other processes would tell of them, and the mails that they become."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from chassis.events import Event
from chassis.ids import uuid7
from contracts.events import accounts, billing, tickets
from contracts.money import MoneyModel
from services.notifier.domain.languages import Language
from services.notifier.domain.mails import Contact, Mail, Template

NOON = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
ALL = ["account", "services", "billing", "tickets"]


def money(amount: str, currency: str = "BRL") -> MoneyModel:
    return MoneyModel(amount=amount, currency=currency)


def a_contact(email: str = "ana@example.com", **fields: Any) -> accounts.Contact:
    given: dict[str, Any] = {
        "user_id": uuid7(),
        "name": "Ana Souza",
        "email": email,
        "email_verified": False,
        "language": "en",
        "permissions": ALL,
    }
    return accounts.Contact(**(given | fields))


def a_registration(
    *contacts: accounts.Contact, **fields: Any
) -> accounts.CustomerRegistered:
    given: dict[str, Any] = {
        "version": 1,
        "customer_id": uuid7(),
        "name": "Ana Souza",
        "company": None,
        "tax_id": None,
        "country": "BR",
        "currency": "BRL",
        "language": "en",
        "time_zone": "America/Sao_Paulo",
        "phone": None,
        "address": None,
        "contacts": list(contacts or (a_contact(),)),
    }
    return accounts.CustomerRegistered(**(given | fields))


def _link(**fields: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "version": 1,
        "request_id": uuid7(),
        "user_id": uuid7(),
        "customer_id": None,
        "name": "Ana Souza",
        "email": "ana@example.com",
        "language": "en",
        "expires_at": NOON,
    }
    return given | fields


def a_verification(**fields: Any) -> accounts.EmailVerificationRequested:
    return accounts.EmailVerificationRequested(**_link(**fields))


def a_reset(**fields: Any) -> accounts.PasswordResetRequested:
    return accounts.PasswordResetRequested(**_link(**fields))


def _invoice(**fields: Any) -> dict[str, Any]:
    line = billing.InvoiceLineState(
        service_id=uuid7(),
        description="Hosting Pro",
        period_start=date(2026, 12, 11),
        period_end=date(2027, 1, 11),
        total=money("1234.50"),
    )
    given: dict[str, Any] = {
        "version": 1,
        "invoice_id": uuid7(),
        "customer_id": uuid7(),
        "kind": "service",
        "number": "2026-000123",
        "status": "open",
        "issued_on": date(2026, 12, 1),
        "due_on": date(2026, 12, 11),
        "total": money("1234.50"),
        "paid": money("0.00"),
        "remaining": money("1234.50"),
        "lines": [line],
    }
    return given | fields


def an_invoice(**fields: Any) -> billing.InvoiceIssued:
    return billing.InvoiceIssued(**_invoice(**fields))


def a_void_invoice(**fields: Any) -> billing.InvoiceVoided:
    return billing.InvoiceVoided(**_invoice(status="void", **fields))


def _payment(**fields: Any) -> dict[str, Any]:
    share = billing.PaymentShare(
        invoice_id=uuid7(),
        number="2026-000123",
        amount=money("49.90"),
        remaining=money("0.00"),
    )
    given: dict[str, Any] = {
        "version": 1,
        "payment_id": uuid7(),
        "customer_id": uuid7(),
        "method": "bank_transfer",
        "status": "awaiting_confirmation",
        "amount": money("49.90"),
        "shares": [share],
        "reference": "CA-7K3M2Q",
    }
    return given | fields


def a_started_payment(**fields: Any) -> billing.PaymentStarted:
    given: dict[str, Any] = {"instructions": "Banco do Brasil\nAgência 1234-5"}
    return billing.PaymentStarted(**_payment(**(given | fields)))


def a_payment(**fields: Any) -> billing.PaymentSucceeded:
    given: dict[str, Any] = {
        "status": "succeeded",
        "received": money("60.00"),
        "credited": money("10.10"),
    }
    return billing.PaymentSucceeded(**_payment(**(given | fields)))


def a_credit_change(**fields: Any) -> billing.CreditChanged:
    given: dict[str, Any] = {
        "version": 1,
        "account_id": uuid7(),
        "customer_id": uuid7(),
        "change": money("-30.00"),
        "balance": money("12.00"),
        "reason": "automatic",
        "invoice_id": uuid7(),
        "invoice_number": "2026-000123",
        "invoice_remaining": money("0.00"),
    }
    return billing.CreditChanged(**(given | fields))


def an_activation(**fields: Any) -> billing.ServiceActivated:
    given: dict[str, Any] = {
        "version": 2,
        "service_id": uuid7(),
        "customer_id": uuid7(),
        "order_id": uuid7(),
        "product": "hosting-pro",
        "product_name": "Hosting Pro",
        "label": "ana.example",
        "status": "active",
        "period": "monthly",
        "recurring_amount": money("49.90"),
        "paid_until": date(2027, 1, 1),
        "next_due_on": date(2027, 1, 1),
    }
    return billing.ServiceActivated(**(given | fields))


def _ticket(**fields: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "version": 1,
        "ticket_id": uuid7(),
        "customer_id": uuid7(),
        "requester_id": uuid7(),
        "protocol": "7K3M-2QXP-V9",
        "department": "finance",
        "subject_line": "Proof of payment",
        "status": "open",
        "priority": "high",
        "invoice_id": None,
        "service_ids": [],
    }
    return given | fields


def _message(**fields: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "message_id": uuid7(),
        "author_name": "Bruno Lima",
        "text": "Here it is:\nhttps://example.com/a?b=1&c=2",
        "attachment_names": ["proof.pdf"],
        "at": NOON,
    }
    return _ticket(**(given | fields))


def an_opened_ticket(**fields: Any) -> tickets.TicketOpened:
    return tickets.TicketOpened(**_message(**fields))


def an_answered_ticket(**fields: Any) -> tickets.TicketAnswered:
    return tickets.TicketAnswered(**_message(**fields))


def a_closed_ticket(**fields: Any) -> tickets.TicketClosed:
    return tickets.TicketClosed(**_ticket(**({"closed_by": "staff"} | fields)))


#: One event for each template.
EVENTS: Mapping[Template, Event] = {
    Template.EMAIL_VERIFICATION: a_verification(),
    Template.PASSWORD_RESET: a_reset(),
    Template.INVOICE_ISSUED: an_invoice(),
    Template.INVOICE_VOIDED: a_void_invoice(),
    Template.PAYMENT_INSTRUCTIONS: a_started_payment(),
    Template.PAYMENT_RECEIVED: a_payment(),
    Template.CREDIT_USED: a_credit_change(),
    Template.CREDIT_CHANGED: a_credit_change(reason="freed", change=money("30.00")),
    Template.SERVICE_ACTIVATED: an_activation(),
    Template.TICKET_OPENED: an_opened_ticket(),
    Template.TICKET_ANSWERED: an_answered_ticket(),
    Template.TICKET_CLOSED: a_closed_ticket(),
}


def a_recipient(**fields: Any) -> Contact:
    given: dict[str, Any] = {
        "user_id": UUID(int=7),
        "name": "Ana Souza",
        "email": "ana@example.com",
        "language": Language.EN,
    }
    return Contact(**(given | fields))


def a_mail(template: Template = Template.INVOICE_ISSUED, **fields: Any) -> Mail:
    given: dict[str, Any] = {
        "id": uuid7(),
        "notification_id": uuid7(),
        "event_id": uuid7(),
        "template": template,
        "customer_id": uuid7(),
        "recipient": a_recipient(),
        "time_zone": "America/Sao_Paulo",
        "message_id": "<a.b@example.com>",
        "thread_id": None,
        "created_at": NOON,
        "next_step_at": NOON,
    }
    return Mail(**(given | fields))
