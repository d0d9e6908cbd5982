"""Who is told, and what becomes of a mail after each try."""

from datetime import timedelta
from uuid import UUID

import pytest

from chassis.ids import uuid7
from services.notifier.domain.languages import Language
from services.notifier.domain.mails import (
    AMBIGUOUS_PAUSE,
    AUDIENCES,
    BACK_OFF_MINUTES,
    Answer,
    Contact,
    Content,
    Customer,
    Fate,
    Mail,
    MailNotSettled,
    MailStatus,
    Notification,
    Template,
    address,
    conclude,
    hand_back,
    recipients,
    send_again,
)
from tests.unit.notifier.events import NOON, a_mail, an_opened_ticket

ACCEPTED = Answer(Fate.ACCEPTED, "250 OK")
POSTPONED = Answer(Fate.POSTPONED, "451 later")
REFUSED = Answer(Fate.REFUSED, "550 no")
UNKNOWN = Answer(Fate.UNKNOWN, "no answer")


def a_person(email: str, *permissions: str) -> Contact:
    return Contact(
        user_id=uuid7(),
        name="Somebody",
        email=email,
        language=Language.EN,
        permissions=frozenset(permissions),
    )


def a_customer(*contacts: Contact) -> Customer:
    return Customer(id=uuid7(), version=1, time_zone="UTC", contacts=contacts)


def a_notification(
    template: Template = Template.INVOICE_ISSUED,
    *,
    addressee: Contact | None = None,
    content: Content | None = None,
) -> Notification:
    return Notification(
        id=uuid7(),
        event_id=uuid7(),
        template=template,
        customer_id=uuid7(),
        addressee=addressee,
        content=content or {},
        created_at=NOON,
    )


def after(mail: Mail, *answers: Answer) -> Mail:
    for answer in answers:
        mail = conclude(mail, answer, now=NOON, shown_now=NOON, jitter=0.0)
    return mail


def addressed(notification: Notification, recipient: Contact) -> Mail:
    return address(
        notification,
        recipient,
        mail_id=uuid7(),
        time_zone="UTC",
        host="example.com",
        now=NOON,
    )


def test_each_template_but_links_has_an_audience() -> None:
    kinds = {str(template).partition("_")[0] for template in Template}
    assert kinds - {"email", "password"} == set(AUDIENCES)


def test_those_are_told_whose_business_it_is() -> None:
    biller = a_person("billing@example.com", "billing")
    helper = a_person("help@example.com", "tickets")
    customer = a_customer(biller, helper)
    assert recipients(a_notification(), customer) == (biller,)
    assert recipients(a_notification(Template.TICKET_CLOSED), customer) == (helper,)


def test_the_accounts_holder_is_told_what_is_nobodys_business() -> None:
    holder = a_person("ana@example.com", "account")
    customer = a_customer(holder, a_person("help@example.com", "tickets"))
    assert recipients(a_notification(), customer) == (holder,)


def test_one_address_is_told_once() -> None:
    customer = a_customer(
        a_person("Ana@example.com", "billing"), a_person("ana@example.com", "billing")
    )
    assert len(recipients(a_notification(), customer)) == 1


def test_a_link_goes_to_the_address_it_was_asked_for_alone() -> None:
    addressee = a_person("new@example.com")
    notification = a_notification(Template.EMAIL_VERIFICATION, addressee=addressee)
    customer = a_customer(a_person("old@example.com", "account", "billing"))
    assert recipients(notification, customer) == (addressee,)


def test_a_mails_identity_follows_from_what_it_tells_whom() -> None:
    notification, recipient = a_notification(), a_person("ana@example.com")
    first, second = (addressed(notification, recipient) for _ in range(2))
    other = addressed(notification, a_person("bob@example.com"))
    assert first.message_id == second.message_id
    assert first.message_id != other.message_id


def test_mails_of_a_ticket_are_one_thread() -> None:
    content = an_opened_ticket().model_dump(mode="json")
    recipient = a_person("ana@example.com")
    opened, answered, closed = (
        addressed(a_notification(template, content=content | more), recipient)
        for template, more in (
            (Template.TICKET_OPENED, {}),
            (Template.TICKET_ANSWERED, {"message_id": str(uuid7())}),
            (Template.TICKET_CLOSED, {"message_id": str(uuid7())}),
        )
    )
    assert opened.thread_id is None
    assert answered.thread_id == closed.thread_id == opened.message_id
    assert len({opened.message_id, answered.message_id, closed.message_id}) == 3


def test_the_message_of_a_ticket_names_its_mail() -> None:
    message_id = UUID(int=42)
    content = an_opened_ticket(message_id=message_id).model_dump(mode="json")
    notification = a_notification(Template.TICKET_ANSWERED, content=content)
    mail = addressed(notification, a_person("ana@example.com"))
    assert message_id.hex in mail.message_id


def test_an_accepted_mail_is_sent() -> None:
    mail = after(a_mail(), ACCEPTED)
    assert mail.status is MailStatus.SENT
    assert mail.sent_at == NOON
    assert mail.next_step_at is None


def test_a_refused_mail_has_failed_and_is_kept() -> None:
    mail = after(a_mail(), REFUSED)
    assert mail.status is MailStatus.FAILED
    assert mail.last_answer == "550 no"


def test_postponements_wait_from_a_minute_to_six_hours() -> None:
    mail, pauses = a_mail(), list[timedelta]()
    for _ in BACK_OFF_MINUTES:
        mail = after(mail, POSTPONED)
        assert mail.status is MailStatus.PENDING
        assert mail.next_step_at is not None
        pauses.append(mail.next_step_at - NOON)
    assert pauses[0] == timedelta(minutes=1)
    assert pauses[-1] == timedelta(hours=6)
    assert pauses == sorted(pauses)
    assert after(mail, POSTPONED).status is MailStatus.DEAD


def test_jitter_spreads_the_repeats() -> None:
    waits = {
        conclude(
            a_mail(), POSTPONED, now=NOON, shown_now=NOON, jitter=jitter
        ).next_step_at
        for jitter in (0.0, 0.5, 1.0)
    }
    assert len(waits) == 3


def test_a_lost_answer_is_followed_by_one_repeat() -> None:
    once = after(a_mail(), UNKNOWN)
    assert once.status is MailStatus.AMBIGUOUS
    assert once.next_step_at == NOON + AMBIGUOUS_PAUSE
    twice = after(once, UNKNOWN)
    assert twice.status is MailStatus.AMBIGUOUS
    assert twice.next_step_at is None


def test_an_ambiguous_mail_that_is_postponed_stays_ambiguous() -> None:
    mail = after(a_mail(), UNKNOWN, POSTPONED)
    assert mail.status is MailStatus.AMBIGUOUS
    assert mail.next_step_at is not None


def test_an_outage_costs_a_mail_no_try() -> None:
    mail = hand_back(a_mail(), "no server", now=NOON)
    assert mail.status is MailStatus.PENDING
    assert mail.postponements == 0
    assert hand_back(after(mail, UNKNOWN), "", now=NOON).status is MailStatus.AMBIGUOUS


@pytest.mark.parametrize("answers", [(REFUSED,), (UNKNOWN, UNKNOWN)])
def test_a_settled_mail_can_be_sent_again(answers: tuple[Answer, ...]) -> None:
    again = send_again(after(a_mail(), *answers), now=NOON)
    assert again.status is MailStatus.PENDING
    assert again.next_step_at == NOON


@pytest.mark.parametrize("answer", [ACCEPTED, POSTPONED, UNKNOWN])
def test_a_sent_mail_or_one_on_its_way_can_not(answer: Answer) -> None:
    with pytest.raises(MailNotSettled):
        send_again(after(a_mail(), answer), now=NOON)
