"""A received payment answers the ticket that proved it: once, and in its language."""

import asyncio
from uuid import UUID

import pytest

from chassis.ids import uuid7
from contracts.events import billing
from tests.integration.tickets.stage import Person, Stage, a_payment, brl


async def proof(person: Person, invoice: UUID, **fields: object) -> str:
    """Open a finance ticket about the invoice."""
    opened = await person.open_ticket(
        **{"department": "finance", "invoice_id": str(invoice), **fields}
    )
    assert opened.status == 201
    return opened.body["id"]


async def test_a_full_payment_answers_and_closes_once_however_often_it_comes(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    payment = a_payment(ana.customer_id, (invoice, "100.00", "0.00"))

    event_id = uuid7()
    await asyncio.gather(*(stage.deliver(payment, event_id=event_id) for _ in range(5)))

    shown = (await ana.get(f"/tickets/{ticket}")).body
    assert shown["status"] == "closed"
    assert len(shown["messages"]) == 2
    assert shown["messages"][1]["author"] == {"kind": "system", "name": "Finance"}
    assert "R$100.00 (payment TR-7Q2)" in shown["messages"][1]["text"]
    assert await stage.types_of(ticket) == ["opened", "answered", "closed"]
    assert [e.version for e in await stage.emitted(ticket)] == [1, 2, 3]
    assert (await stage.emitted(ticket))[-1].data["closed_by"] == "system"


async def test_a_short_payment_answers_with_the_rest_and_leaves_it_open(
    stage: Stage,
) -> None:
    ana = await stage.customer(language="pt-BR")
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    await stage.deliver(
        a_payment(ana.customer_id, (invoice, "40.00", "60.00"), received="40.00")
    )
    shown = (await ana.get(f"/tickets/{ticket}")).body
    assert shown["status"] == "answered"
    assert shown["messages"][1]["author"]["name"] == "Financeiro"
    text = shown["messages"][1]["text"].replace("\N{NO-BREAK SPACE}", " ")
    assert "falta pagar R$ 60,00" in text
    assert await stage.types_of(ticket) == ["opened", "answered"]


async def test_the_answer_belongs_to_the_chain_of_its_payment(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    event_id = uuid7()
    payment = a_payment(ana.customer_id, (invoice, "100.00", "0.00"))
    await stage.deliver(payment, event_id=event_id)
    for event in (await stage.emitted(ticket))[1:]:
        assert event.causationid == str(event_id)


async def test_the_ticket_that_the_confirmation_names_is_meant(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await stage.invoice_of(ana)
    named = await proof(ana, invoice)
    newer = await proof(ana, invoice)
    await stage.deliver(
        a_payment(ana.customer_id, (invoice, "100.00", "0.00"), ticket_id=UUID(named))
    )
    assert await stage.types_of(named) == ["opened", "answered", "closed"]
    assert await stage.types_of(newer) == ["opened"]


async def test_otherwise_the_newest_open_finance_ticket_is_meant(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await stage.invoice_of(ana)
    older, newest = await proof(ana, invoice), await proof(ana, invoice)
    closed = await proof(ana, invoice)
    await ana.post(f"/tickets/{closed}/close")
    for_support = await proof(ana, invoice, department="support")
    await stage.deliver(a_payment(ana.customer_id, (invoice, "100.00", "0.00")))
    assert await stage.types_of(newest) == ["opened", "answered", "closed"]
    assert await stage.types_of(older) == ["opened"]
    assert await stage.types_of(closed) == ["opened", "closed"]
    assert await stage.types_of(for_support) == ["opened"]


async def test_a_closed_unknown_or_foreign_ticket_is_left_alone(stage: Stage) -> None:
    ana, bob = await stage.customer(), await stage.customer(name="Bob")
    invoice = await stage.invoice_of(ana)
    closed = await proof(ana, invoice)
    await ana.post(f"/tickets/{closed}/close")
    foreign = await proof(bob, await stage.invoice_of(bob))
    for ticket_id in (UUID(closed), UUID(foreign), uuid7()):
        share = (invoice, "100.00", "0.00")
        await stage.deliver(a_payment(ana.customer_id, share, ticket_id=ticket_id))
    assert await stage.types_of(closed) == ["opened", "closed"]
    assert await stage.types_of(foreign) == ["opened"]


async def test_a_payment_without_a_ticket_changes_nothing(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    other = await stage.invoice_of(ana)
    await stage.deliver(a_payment(ana.customer_id, (other, "100.00", "0.00")))
    assert await stage.types_of(ticket) == ["opened"]


async def test_a_republished_payment_is_no_news(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    payment = a_payment(ana.customer_id, (invoice, "100.00", "0.00"))
    await stage.deliver(payment, republished=True)
    assert await stage.types_of(ticket) == ["opened"]


async def test_a_reply_after_the_payment_opens_the_ticket_again(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    await stage.deliver(a_payment(ana.customer_id, (invoice, "100.00", "0.00")))
    await ana.post(f"/tickets/{ticket}/replies", {"message": "And the receipt?"})
    shown = await ana.get(f"/tickets/{ticket}")
    assert shown.body["status"] == "customer_reply"


async def test_an_invoice_that_credit_has_paid_is_told_of_and_its_proof_stays(
    stage: Stage,
) -> None:
    ana = await stage.customer(language="pt-BR")
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    staff = await stage.staff()
    paid = credit_used(ana.customer_id, invoice)
    event_id = uuid7()
    await asyncio.gather(*(stage.deliver(paid, event_id=event_id) for _ in range(3)))
    shown = (await ana.get(f"/tickets/{ticket}")).body
    [_, told] = shown["messages"]
    assert told["author"] == {"kind": "system", "name": "Financeiro"}
    assert "A fatura 2026-000123 agora está paga" in told["text"]
    assert "vira crédito na sua conta" in told["text"]
    assert await stage.types_of(ticket) == ["opened", "answered"]
    # Staff still has to look for the money.
    assert (shown["status"], shown["closed_at"]) == ("open", None)
    waiting = (await staff.get("/staff/tickets?awaiting=staff")).body["items"]
    assert [each["id"] for each in waiting] == [ticket]
    # It arrives after all, is booked as credit, and that ends the matter.
    payment = a_payment(
        ana.customer_id,
        (invoice, "0.00", "0.00"),
        credited="100.00",
        ticket_id=UUID(ticket),
    )
    await stage.deliver(payment)
    shown = (await ana.get(f"/tickets/{ticket}")).body
    assert shown["status"] == "closed"
    assert "virou crédito na sua conta" in shown["messages"][-1]["text"]


async def test_what_staff_has_answered_stays_answered_when_credit_pays(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    staff = await stage.staff()
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    await staff.post(f"/staff/tickets/{ticket}/replies", {"message": "Which bank?"})
    await stage.deliver(credit_used(ana.customer_id, invoice, reason="automatic"))
    shown = (await ana.get(f"/tickets/{ticket}")).body
    assert shown["status"] == "answered"
    assert "paid in full, with your account's credit" in shown["messages"][-1]["text"]


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "overpayment"},
        {"reason": "freed"},
        {"invoice_remaining": brl("10.00")},
        {"invoice_remaining": None},
        {"invoice_id": None},
        {"invoice_id": uuid7()},
        {"customer_id": uuid7()},
    ],
    ids=range(7),
)
async def test_any_other_movement_of_credit_says_nothing_in_a_ticket(
    stage: Stage, change: dict[str, object]
) -> None:
    ana = await stage.customer()
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    moved = credit_used(ana.customer_id, invoice).model_copy(update=change)
    await stage.deliver(moved)
    await stage.deliver(credit_used(ana.customer_id, invoice), republished=True)
    assert await stage.types_of(ticket) == ["opened"]


async def test_a_closed_ticket_is_not_told_what_credit_has_paid(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    await ana.post(f"/tickets/{ticket}/close")
    await stage.deliver(credit_used(ana.customer_id, invoice))
    assert await stage.types_of(ticket) == ["opened", "closed"]


def credit_used(
    customer_id: UUID, invoice_id: UUID, *, reason: str = "applied"
) -> billing.CreditChanged:
    """Return what billing tells when credit has paid an invoice's last part."""
    return billing.CreditChanged(
        version=2,
        account_id=uuid7(),
        customer_id=customer_id,
        change=brl("-100.00"),
        balance=brl("0.00"),
        reason=reason,
        invoice_id=invoice_id,
        invoice_number="2026-000123",
        invoice_remaining=brl("0.00"),
    )


async def test_payments_and_replies_at_once_keep_every_version(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await stage.invoice_of(ana)
    ticket = await proof(ana, invoice)
    payments = [
        a_payment(ana.customer_id, (invoice, "10.00", "50.00"), ticket_id=UUID(ticket))
        for _ in range(4)
    ]
    await asyncio.gather(
        *(stage.deliver(payment) for payment in payments),
        *(
            ana.post(f"/tickets/{ticket}/replies", {"message": f"Reply {n}"})
            for n in range(4)
        ),
    )
    shown = await ana.get(f"/tickets/{ticket}")
    assert len(shown.body["messages"]) == 9
    assert [e.version for e in await stage.emitted(ticket)] == list(range(1, 10))
    audit = await stage.audit()
    assert audit["conversations are whole"].violations == []
