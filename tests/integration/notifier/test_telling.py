"""From events to mails: everybody concerned is told once, in their language."""

import pytest

from chassis.events import Event
from chassis.ids import uuid7
from contracts import links
from services.notifier.templates import MASK
from tests.integration.notifier.mailserver import text_of
from tests.integration.notifier.stage import LINK_KEY, Stage
from tests.unit.notifier.events import (
    a_closed_ticket,
    a_contact,
    a_credit_change,
    a_payment,
    a_registration,
    a_reset,
    a_started_payment,
    a_verification,
    a_void_invoice,
    an_activation,
    an_answered_ticket,
    an_invoice,
    an_opened_ticket,
    money,
)


async def test_each_contact_with_the_permission_is_told_in_their_language(
    stage: Stage,
) -> None:
    customer_id = await stage.register(
        a_contact("ana@example.com"),
        a_contact("bia@example.com", language="pt-BR", permissions=["billing"]),
        a_contact("help@example.com", permissions=["tickets"]),
    )
    mails = await stage.tell(an_invoice(customer_id=customer_id))
    subjects = {mail["To"].addresses[0].addr_spec: mail["Subject"] for mail in mails}
    assert subjects == {
        "ana@example.com": "Invoice 2026-000123: R$1,234.50, due December 11, 2026",
        "bia@example.com": (
            "Fatura 2026-000123: R$ 1.234,50, vence em 11 de dezembro de 2026"
        ),
    }


async def test_a_republished_customer_mends_what_is_wrong_and_mails_nobody(
    stage: Stage,
) -> None:
    registered = a_registration(a_contact("ana@example.com"))
    await stage.tell(registered)
    async with stage.process.db.transaction() as tx:
        await tx.execute(
            "UPDATE customers SET time_zone = 'Asia/Tokyo', contacts = '[]'"
        )
    mails = len(stage.mailbox.received)
    await stage.deliver(registered, republished=True)
    await stage.send()
    assert len(stage.mailbox.received) == mails
    async with stage.process.db.reading() as tx:
        [row] = await tx.fetch("SELECT time_zone, contacts FROM customers")
    assert row["time_zone"] == registered.time_zone
    assert [contact["email"] for contact in row["contacts"]] == ["ana@example.com"]


async def test_an_event_delivered_again_tells_nobody_twice(stage: Stage) -> None:
    customer_id = await stage.register()
    invoice, event_id = an_invoice(customer_id=customer_id), uuid7()
    for _ in range(3):
        await stage.deliver(invoice, event_id=event_id)
        await stage.send()
    assert len(stage.mailbox.received) == 1


async def test_a_mail_waits_for_its_customer_and_not_longer(stage: Stage) -> None:
    registration = a_registration()
    await stage.deliver(an_invoice(customer_id=registration.customer_id))
    assert (await stage.send()).size == 0
    await stage.deliver(registration)
    assert (await stage.send()).size == 1
    assert len(stage.mailbox.received) == 1


async def test_waiting_for_one_customer_delays_no_other(stage: Stage) -> None:
    for _ in range(60):
        await stage.deliver(an_invoice())
    customer_id = await stage.register()
    await stage.tell(an_invoice(customer_id=customer_id))
    assert len(stage.mailbox.received) == 1


async def test_a_state_sent_again_is_no_news(stage: Stage) -> None:
    customer_id = await stage.register()
    await stage.deliver(an_invoice(customer_id=customer_id), republished=True)
    await stage.send()
    assert stage.mailbox.received == []


async def test_mails_go_where_the_newest_contacts_say(stage: Stage) -> None:
    registration = a_registration(a_contact("new@example.com"), version=3)
    older = registration.model_copy(
        update={"version": 2, "contacts": [a_contact("old@example.com")]}
    )
    await stage.deliver(registration, older)
    await stage.tell(an_invoice(customer_id=registration.customer_id))
    assert len(stage.mailbox.of("new@example.com")) == 1
    assert len(stage.mailbox.received) == 1


@pytest.mark.parametrize(
    ("event", "purpose", "path"),
    [
        (a_verification(email="x@example.com"), links.VERIFY_EMAIL, "verify-email"),
        (a_reset(email="x@example.com"), links.RESET_PASSWORD, "reset-password"),
    ],
    ids=["verification", "reset"],
)
async def test_a_link_works_in_the_mail_and_is_masked_in_what_is_kept(
    stage: Stage, event: Event, purpose: str, path: str
) -> None:
    (mail,) = await stage.tell(event)
    link = f"https://my.example.com/{path}?token="
    token = text_of(mail).partition(link)[2].split()[0]
    assert links.read_link_token([LINK_KEY.encode()], purpose, token) == event.subject
    assert mail["To"].addresses[0].addr_spec == "x@example.com"
    kept = await stage.mail()
    assert f"{link}{MASK}" in kept["body_text"]
    async with stage.process.db.reading() as tx:
        everything = await tx.fetch(
            "SELECT m::text, n::text FROM mails m, notifications n"
        )
    assert not any(token in row["m"] + row["n"] for row in everything)


async def test_nothing_is_said_of_what_needs_no_mail(stage: Stage) -> None:
    customer_id = await stage.register()
    await stage.tell(
        a_void_invoice(customer_id=customer_id, number=None),
        a_started_payment(customer_id=customer_id, method="card", instructions=None),
        a_credit_change(customer_id=customer_id, reason="top_up"),
        a_credit_change(customer_id=customer_id, reason="overpayment"),
    )
    assert stage.mailbox.received == []


async def test_each_thing_a_customer_should_know_is_one_mail(stage: Stage) -> None:
    customer_id = await stage.register()
    mails = await stage.tell(
        an_invoice(customer_id=customer_id),
        a_started_payment(customer_id=customer_id),
        a_payment(customer_id=customer_id),
        an_activation(customer_id=customer_id),
        a_credit_change(customer_id=customer_id),
        a_credit_change(customer_id=customer_id, reason="freed", change=money("30.00")),
        a_void_invoice(customer_id=customer_id),
    )
    assert [mail["Subject"] for mail in mails] == [
        "Invoice 2026-000123: R$1,234.50, due December 11, 2026",
        "How to pay R$49.90: reference CA-7K3M2Q",
        "Payment of R$60.00 received: invoice 2026-000123 is paid",
        "Hosting Pro is active",
        "Invoice 2026-000123 is paid from your credit",
        "R$30.00 was added to your credit",
        "Invoice 2026-000123 is void",
    ]


async def test_mails_of_a_ticket_thread_and_carry_its_protocol(stage: Stage) -> None:
    ticket = {"customer_id": await stage.register(), "ticket_id": uuid7()}
    mails = await stage.tell(
        an_opened_ticket(**ticket),
        an_answered_ticket(text="Confirmed, <b>thanks</b>.", **ticket),
        a_closed_ticket(**ticket),
    )
    opened, answered, closed = mails
    assert all("[7K3M-2QXP-V9] Proof of payment" in mail["Subject"] for mail in mails)
    assert opened["In-Reply-To"] is None
    assert answered["In-Reply-To"] == closed["References"] == opened["Message-ID"]
    assert "Confirmed, <b>thanks</b>." in text_of(answered)


async def test_a_confirmed_payment_is_a_receipt_and_one_answer_in_its_ticket(
    stage: Stage,
) -> None:
    customer_id = await stage.register()
    ticket = {"customer_id": customer_id, "ticket_id": uuid7()}
    mails = await stage.tell(
        a_payment(customer_id=customer_id),
        an_answered_ticket(text="Thank you. This ticket is closed.", **ticket),
        a_closed_ticket(closed_by="system", **ticket),
    )
    assert [mail["Subject"] for mail in mails] == [
        "Payment of R$60.00 received: invoice 2026-000123 is paid",
        "Re: [7K3M-2QXP-V9] Proof of payment",
    ]
