"""Staff's pages: the business clock, names for bank accounts, buttons for who may."""

import json
from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest

from gateway.app import PROCESS
from tests.integration.gateway.conftest import SERVICES, Services
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.doors import (
    HOST,
    NOTHING,
    SESSION_TOKEN,
    open_session,
    refuse,
)
from tests.support.running import Running, running
from tests.support.tokens import a_staff_member

TICKET_ID, PAYMENT_ID, INVOICE_ID, CUSTOMER_ID, RUN_ID, MESSAGE_ID, FILE_ID = (
    str(uuid4()) for _ in range(7)
)
AUTHOR = {"kind": "staff", "name": "Sam"}
DUE = "2026-12-01T12:00:00Z"
TICKET: dict[str, object] = {
    "id": TICKET_ID,
    "protocol": "7K3M-2QXP-V9",
    "department": "finance",
    "subject": "Receipt",
    "status": "open",
    "priority": "medium",
    "service_ids": [],
    "invoice_id": INVOICE_ID,
    "created_at": DUE,
    "updated_at": DUE,
    "closed_at": None,
    "expected_answer_at": DUE,
    "internal": False,
    "customer_id": CUSTOMER_ID,
    "customer_name": "Ana Souza",
    "requester_id": None,
    "waiting_since": DUE,
}
WITH_MESSAGES: dict[str, object] = {**TICKET, "messages": list[object]()}
REAL = {"amount": "10.00", "currency": "BRL"}
PAYMENT: dict[str, object] = {
    "id": PAYMENT_ID,
    "status": "awaiting_confirmation",
    "method": "bank_transfer",
    "amount": REAL,
    "received": None,
    "reference": "CA-00000001",
    "invoices": [{"invoice_id": INVOICE_ID, "amount": REAL, "paid": REAL}],
    "next_action": None,
    "created_at": DUE,
    "succeeded_at": None,
    "customer_id": CUSTOMER_ID,
    "customer_name": "Ana Souza",
    "bank_reference": None,
    "bank_account": None,
    "ticket_id": None,
    "confirmed_by": None,
}
INVOICE: dict[str, object] = {
    "id": INVOICE_ID,
    "number": "2026-000001",
    "kind": "service",
    "status": "open",
    "customer_id": CUSTOMER_ID,
    "order_id": None,
    "issued_on": "2026-12-01",
    "due_on": "2026-12-04",
    "overdue": False,
    "paid_on": None,
    "lines": [],
    **dict.fromkeys(
        ("subtotal", "tax", "total", "paid", "credit_applied", "remaining"), REAL
    ),
    "payment_methods": [],
    "buyer": None,
    "seller": None,
    "created_at": DUE,
    "customer_name": "Ana Souza",
}
ALL = (
    "tickets.read",
    "tickets.answer",
    "invoices.read",
    "payments.read",
    "payments.confirm",
)


@pytest.fixture
def accounts() -> dict[str, str]:
    """Return the bank accounts that the operator has named."""
    return {}


@pytest.fixture
async def gateway(
    services: Services, amqp_url: str, accounts: dict[str, str]
) -> AsyncGenerator[Running]:
    """A gateway of a test system, whose business clock can be moved."""
    urls = {f"{name}_url": services.url for name in SERVICES}
    async with running(
        PROCESS,
        amqp_url=amqp_url,
        public_url="https://client.example.com",
        sandbox_clock=True,
        bank_accounts=accounts,
        **urls,
    ) as gateway:
        yield gateway


@pytest.fixture
def at_work(services: Services, behind_tls: Browser) -> Browser:
    """The browser of whoever is logged in, and one of each thing to look at."""
    listed = {"items": [TICKET], "next": None, "total": 1}
    services.answer("/api/v1/departments", NOTHING)
    services.answer("/api/v1/staff/tickets", listed)
    services.answer(f"/api/v1/staff/tickets/{TICKET_ID}", WITH_MESSAGES)
    payments = {"items": [PAYMENT], "next": None, "total": 1}
    services.answer("/api/v1/staff/payments", payments)
    services.answer(f"/api/v1/staff/payments/{PAYMENT_ID}", PAYMENT)
    services.answer(f"/api/v1/staff/invoices/{INVOICE_ID}", INVOICE)
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    return behind_tls


def move_clock(services: Services, now: str) -> None:
    today = now.partition("T")[0]
    services.answer(
        "/api/v1/staff/clock", {"now": now, "today": today, "sandbox": True}
    )


@pytest.mark.parametrize(
    "path",
    ["/staff/tickets", f"/staff/tickets/{TICKET_ID}"],
    # A name with a new id in it would be another for each process of tests.
    ids=["list", "ticket"],
)
@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-12-01T09:00:00Z", "3 hours left"),
        ("2026-12-01T11:30:00Z", "30 minutes left"),
        ("2026-12-01T14:00:00Z", "overdue by 2 hours"),
        ("2026-12-03T00:00:00Z", "overdue by 36 hours"),
    ],
)
async def test_the_time_left_goes_by_the_business_clock(
    services: Services, at_work: Browser, path: str, now: str, said: str
) -> None:
    open_session(services, a_staff_member("tickets.read"))
    move_clock(services, now)
    assert said in (await at_work.get(path)).said


async def test_tickets_stand_without_the_clock(
    services: Services, at_work: Browser
) -> None:
    open_session(services, a_staff_member("tickets.read"))
    services.answer("/api/v1/staff/clock", {}, status=500)
    page = await at_work.get("/staff/tickets")
    assert (page.status, "Receipt" in page.said) == (200, True)


@pytest.mark.parametrize("may_confirm", [True, False])
async def test_only_who_confirms_finds_the_way_to_it_beside_a_proof(
    services: Services, at_work: Browser, *, may_confirm: bool
) -> None:
    may = set(ALL) if may_confirm else set(ALL) - {"payments.confirm"}
    open_session(services, a_staff_member(*may))
    move_clock(services, DUE)
    page = await at_work.get(f"/staff/tickets/{TICKET_ID}")
    assert ("Confirm CA-00000001" in page.said) == may_confirm


async def send_what_is_typed(browser: Browser, path: str) -> Page:
    """Send both parts of a ticket's form, with a file, by the button of one."""
    page = await browser.get(f"/staff/tickets/{TICKET_ID}")
    [form] = [form for form in page.forms if "note" in form.fields]
    assert form.action == f"/staff/tickets/{TICKET_ID}"
    typed = form.filled({"message": "For the customer", "note": "Among us"})
    return await browser.upload(path, typed, [("files", "proof.png", b"x")])


@pytest.fixture
def answering(services: Services, at_work: Browser) -> Browser:
    """The browser of whoever may answer."""
    open_session(services, a_staff_member(*ALL))
    move_clock(services, DUE)
    sent = {"id": MESSAGE_ID, "author": AUTHOR, "text": "Sent", "at": DUE}
    message = {**sent, "kind": "public", "attachments": list[object]()}
    file = {"id": FILE_ID, "name": "proof.png", "size": 1, "media_type": "image/png"}
    services.answer("/api/v1/attachments", {**file, "sha256": "0" * 64}, status=201)
    for noun in ("replies", "notes"):
        path = f"/api/v1/staff/tickets/{TICKET_ID}/{noun}"
        services.answer(path, message, status=201)
    return at_work


def sent_to(services: Services, noun: str) -> list[str]:
    """Return the texts that went to a ticket's answers or notes."""
    calls = zip(services.calls, services.bodies, strict=True)
    path = f"/api/v1/staff/tickets/{TICKET_ID}/{noun}"
    return [json.loads(body)["message"] for call, body in calls if call.path == path]


async def test_a_note_that_is_not_saved_yet_stays_when_the_answer_is_sent(
    services: Services, answering: Browser
) -> None:
    path = f"/staff/tickets/{TICKET_ID}"
    page = await send_what_is_typed(answering, path)
    assert page.status == 200
    assert "The answer is on its way to the customer." in page.said
    assert page.form(path)["note"] == "Among us"
    assert page.form(path)["message"] == ""
    assert "Attached already" not in page.said
    assert sent_to(services, "replies") == ["For the customer"]
    assert sent_to(services, "notes") == []


async def test_an_answer_that_is_not_sent_yet_stays_when_the_note_is_saved(
    services: Services, answering: Browser
) -> None:
    path = f"/staff/tickets/{TICKET_ID}"
    page = await send_what_is_typed(answering, f"{path}/notes")
    assert page.status == 200
    assert "The note is saved. Only staff can see it." in page.said
    assert page.form(path)["message"] == "For the customer"
    assert page.form(path)["note"] == ""
    assert FILE_ID in page.form(path)["kept"]
    assert sent_to(services, "notes") == ["Among us"]
    assert sent_to(services, "replies") == []


@pytest.mark.parametrize("noun", ["replies", "notes"])
async def test_what_is_refused_costs_neither_answer_nor_note(
    services: Services, answering: Browser, noun: str
) -> None:
    refused = f"/api/v1/staff/tickets/{TICKET_ID}/{noun}"
    refuse(services, refused, 409, "TicketClosed")
    path = f"/staff/tickets/{TICKET_ID}"
    page = await send_what_is_typed(
        answering, path if noun == "replies" else f"{path}/notes"
    )
    assert page.status == 409
    kept = page.form(path)
    assert (kept["message"], kept["note"]) == ("For the customer", "Among us")
    assert FILE_ID in kept["kept"]


async def test_with_nothing_else_typed_the_page_is_loaded_anew(
    answering: Browser,
) -> None:
    path = f"/staff/tickets/{TICKET_ID}"
    page = await answering.get(path)
    answer = await answering.submit(page, path, message="For the customer")
    assert (answer.status, answer.location) == (303, path)


def account_of(page: Page) -> str:
    return page.form(f"/staff/payments/{PAYMENT_ID}")["bank_account"]


async def payment_page(services: Services, browser: Browser) -> Page:
    open_session(services, a_staff_member(*ALL))
    move_clock(services, DUE)
    return await browser.get(f"/staff/payments/{PAYMENT_ID}")


async def test_one_bank_account_needs_no_choice(
    services: Services, at_work: Browser
) -> None:
    page = await payment_page(services, at_work)
    assert "Bank account" not in page.said
    assert account_of(page) == "main"


async def test_who_confirms_too_late_is_told_and_keeps_what_was_typed(
    services: Services, at_work: Browser
) -> None:
    path = f"/staff/payments/{PAYMENT_ID}"
    page = await payment_page(services, at_work)
    done = {**PAYMENT, "status": "succeeded", "received": REAL, "succeeded_at": DUE}
    services.answer(f"/api/v1{path}", done)
    refuse(services, f"/api/v1{path}/confirmation", 409, "PaymentNotAwaited")
    answer = await at_work.submit(page, path, bank_reference="E-SECOND")
    assert answer.status == 409
    assert "Your confirmation was not saved PaymentNotAwaited" in answer.said
    assert "Bank reference E-SECOND" in answer.said
    assert "Confirm the payment" not in answer.said


async def test_a_confirmed_payment_names_its_bank_account_as_people_do(
    services: Services, at_work: Browser
) -> None:
    confirmed = {
        **PAYMENT,
        "status": "succeeded",
        "received": REAL,
        "succeeded_at": DUE,
        "bank_reference": "E1",
        "bank_account": "main",
    }
    services.answer(f"/api/v1/staff/payments/{PAYMENT_ID}", confirmed)
    page = await payment_page(services, at_work)
    assert "Bank account Main account" in page.said


@pytest.mark.parametrize(
    "accounts", [{"main": "Banco Exemplo 12345-6", "euro": "Example Bank, euros"}]
)
async def test_of_several_bank_accounts_one_is_chosen_by_its_name(
    services: Services, at_work: Browser, accounts: dict[str, str]
) -> None:
    page = await payment_page(services, at_work)
    for name in accounts.values():
        assert name in page.said
    assert account_of(page) == "main"


@pytest.mark.parametrize(("failed", "said"), [(0, False), (2, True)])
async def test_a_run_that_failed_for_customers_says_so(
    services: Services, at_work: Browser, *, failed: int, said: bool
) -> None:
    run = {
        "id": RUN_ID,
        "on": "2026-12-01",
        "started_at": DUE,
        "finished_at": DUE,
        "issued": 1,
        "credit_applied": 0,
        "orders_cancelled": 0,
        "customers_failed": failed,
    }
    path = "/api/v1/staff/billing-runs"
    services.answer(path, {"items": [run], "next": None, "total": None})
    services.answer(f"{path}/{RUN_ID}", run)
    open_session(services, a_staff_member("billing.run", "tickets.read"))
    move_clock(services, DUE)
    page = await at_work.get(f"/staff/billing-runs?run={RUN_ID}")
    assert ("Something failed for 2 customers." in page.said) == said
    assert ("2 customers failed" in page.said) == said


@pytest.mark.parametrize("may_read_orders", [True, False])
async def test_a_service_needs_no_sight_of_its_order(
    services: Services, at_work: Browser, *, may_read_orders: bool
) -> None:
    order_id, service_id = str(uuid4()), str(uuid4())
    service = {
        **dict.fromkeys(("activated_on", "paid_until", "next_due_on", "cancel_on")),
        "id": service_id,
        "customer_id": CUSTOMER_ID,
        "customer_name": "Ana Souza",
        "order_id": order_id,
        "product": "vps-2",
        "product_name": "VPS 2",
        "label": "shop.example",
        "status": "pending",
        "period": "monthly",
        "recurring_amount": REAL,
        "reason": None,
        "created_at": DUE,
    }
    order = {
        "id": order_id,
        "number": 1006,
        "status": "pending",
        "customer_id": CUSTOMER_ID,
        "customer_name": "Ana Souza",
        "placed_on": "2026-12-01",
        "expires_on": "2026-12-15",
        "invoice_id": INVOICE_ID,
        "service_ids": [service_id],
        "total": REAL,
        "created_at": DUE,
    }
    services.answer(f"/api/v1/staff/services/{service_id}", service)
    services.answer(f"/api/v1/staff/orders/{order_id}", order)
    orders = ["orders.read"] if may_read_orders else []
    open_session(services, a_staff_member("services.read", *orders))
    page = await at_work.get(f"/staff/services/{service_id}")
    assert page.heading == "shop.example"
    assert ("Order number 1006" in page.said) == may_read_orders
