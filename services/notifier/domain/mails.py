"""From an event to its mails: who gets one, and what becomes of each try to send it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.errors import Conflict
from services.notifier.domain.languages import Language

#: Pauses after each postponement, in minutes; the mail is dead after the last one.
BACK_OFF_MINUTES = (1, 2, 5, 10, 20, 40, 60, 120, 240, *(360,) * 7)
#: Nobody knows whether the mail arrived; the one repeat waits for so long.
AMBIGUOUS_PAUSE = timedelta(minutes=1)
#: A mail that was being sent when a process died, this often, may be the reason.
MAXIMUM_INTERRUPTIONS = 8

Content = Mapping[str, object]


class Template(StrEnum):
    EMAIL_VERIFICATION = "email_verification"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a mail's name, not a password
    INVOICE_ISSUED = "invoice_issued"
    INVOICE_VOIDED = "invoice_voided"
    PAYMENT_INSTRUCTIONS = "payment_instructions"
    PAYMENT_RECEIVED = "payment_received"
    CREDIT_USED = "credit_used"
    CREDIT_CHANGED = "credit_changed"
    SERVICE_ACTIVATED = "service_activated"
    TICKET_OPENED = "ticket_opened"
    TICKET_ANSWERED = "ticket_answered"
    TICKET_CLOSED = "ticket_closed"


#: The permission that a contact needs to be told, by what the template is about.
AUDIENCES = {
    "invoice": "billing",
    "payment": "billing",
    "credit": "billing",
    "service": "services",
    "ticket": "tickets",
}


class MailStatus(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    AMBIGUOUS = "ambiguous"
    FAILED = "failed"
    DEAD = "dead"


class MailNotSettled(Conflict):
    """Only a mail that failed, is dead or ambiguous can be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    user_id: UUID
    name: str
    email: str
    language: Language
    permissions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    id: UUID
    version: int
    time_zone: str
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What people should be told because of one event."""

    id: UUID
    event_id: UUID
    template: Template
    customer_id: UUID | None
    addressee: Contact | None
    content: Content
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One notification for one recipient, and how far its sending has come."""

    id: UUID
    notification_id: UUID
    event_id: UUID
    template: Template
    customer_id: UUID | None
    recipient: Contact
    time_zone: str
    message_id: str
    thread_id: str | None
    created_at: datetime
    status: MailStatus = MailStatus.PENDING
    next_step_at: datetime | None
    postponements: int = 0
    lost_answers: int = 0
    interruptions: int = 0
    acceptances: int = 0
    last_answer: str | None = None
    sent_at: datetime | None = None


class Fate(StrEnum):
    """What became of one try, as far as the server let us know."""

    ACCEPTED = "accepted"
    POSTPONED = "postponed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    fate: Fate
    words: str


@dataclass(frozen=True, slots=True)
class MailCopy:
    """A mail as it reads, without the secrets of its links."""

    subject: str
    text: str
    html: str


def recipients(
    notification: Notification, customer: Customer | None
) -> tuple[Contact, ...]:
    """Return who is told: the addressee, or the contacts whose business it is.

    An address need not be verified: somebody who has just registered and ordered must
    get the invoice. Where nobody holds the permission, the account's holders are told.
    """
    if notification.addressee is not None:
        return (notification.addressee,)
    if customer is None:
        return ()
    permission = AUDIENCES[notification.template.partition("_")[0]]
    fitting = _holders(customer, permission) or _holders(customer, "account")
    return tuple({contact.email.lower(): contact for contact in fitting}.values())


def address(
    notification: Notification,
    recipient: Contact,
    *,
    mail_id: UUID,
    time_zone: str,
    host: str,
    now: datetime,
) -> Mail:
    """Return the mail that tells the recipient, due at once."""
    thread_id = _thread_id(notification, recipient, host)
    own_id = _message_id(notification, recipient, host)
    opening = notification.template is Template.TICKET_OPENED
    return Mail(
        id=mail_id,
        notification_id=notification.id,
        event_id=notification.event_id,
        template=notification.template,
        customer_id=notification.customer_id,
        recipient=recipient,
        time_zone=time_zone,
        message_id=thread_id if opening and thread_id else own_id,
        thread_id=None if opening else thread_id,
        created_at=notification.created_at,
        next_step_at=now,
    )


def conclude(
    mail: Mail, answer: Answer, *, now: datetime, shown_now: datetime, jitter: float
) -> Mail:
    """Return the mail after a try; `jitter` (0 to 1) spreads the repeats."""
    mail = replace(mail, last_answer=answer.words, next_step_at=None)
    if answer.fate is Fate.ACCEPTED:
        accepted = mail.acceptances + 1
        return replace(
            mail, status=MailStatus.SENT, acceptances=accepted, sent_at=shown_now
        )
    if answer.fate is Fate.REFUSED:
        return replace(mail, status=MailStatus.FAILED)
    if answer.fate is Fate.UNKNOWN:
        return _after_lost_answer(mail, now)
    return _after_postponement(mail, now, jitter)


def hand_back(mail: Mail, reason: str, *, now: datetime) -> Mail:
    """Return a mail that could not be tried at all: it loses no try by that."""
    status = MailStatus.AMBIGUOUS if mail.lost_answers else MailStatus.PENDING
    return replace(mail, status=status, next_step_at=now, last_answer=reason)


def give_up(mail: Mail, reason: str) -> Mail:
    """Return a mail that is tried no more, and kept."""
    return replace(mail, status=MailStatus.DEAD, next_step_at=None, last_answer=reason)


def send_again(mail: Mail, *, now: datetime) -> Mail:
    """Return a settled but unsent mail with all its tries before it again."""
    if mail.next_step_at is not None or mail.status is MailStatus.SENT:
        raise MailNotSettled("the mail is {mail_status}", mail_status=mail.status)
    return replace(
        mail,
        status=MailStatus.PENDING,
        next_step_at=now,
        postponements=0,
        interruptions=0,
    )


def _holders(customer: Customer, permission: str) -> list[Contact]:
    return [c for c in customer.contacts if permission in c.permissions]


def _message_id(notification: Notification, recipient: Contact, host: str) -> str:
    """Name the mail after what it tells whom, so that every copy has the same id."""
    kind, cause = str(notification.template), notification.event_id
    if "message_id" in notification.content:
        kind, cause = f"ticket.{_ticket(notification)}", _message(notification)
    return f"<{kind}.{cause.hex}.{recipient.user_id.hex}@{host}>"


def _thread_id(notification: Notification, recipient: Contact, host: str) -> str | None:
    if "ticket_id" not in notification.content or not notification.template.startswith(
        "ticket"
    ):
        return None
    return f"<ticket.{_ticket(notification)}.{recipient.user_id.hex}@{host}>"


def _ticket(notification: Notification) -> str:
    return UUID(str(notification.content["ticket_id"])).hex


def _message(notification: Notification) -> UUID:
    return UUID(str(notification.content["message_id"]))


def _after_lost_answer(mail: Mail, now: datetime) -> Mail:
    lost = mail.lost_answers + 1
    return replace(
        mail,
        status=MailStatus.AMBIGUOUS,
        lost_answers=lost,
        next_step_at=now + AMBIGUOUS_PAUSE if lost == 1 else None,
    )


def _after_postponement(mail: Mail, now: datetime, jitter: float) -> Mail:
    tries = mail.postponements
    mail = replace(mail, postponements=tries + 1)
    if tries >= len(BACK_OFF_MINUTES):
        return give_up(mail, mail.last_answer or "")
    pause = timedelta(minutes=BACK_OFF_MINUTES[tries]) * (1 + jitter / 4)
    status = MailStatus.AMBIGUOUS if mail.lost_answers else MailStatus.PENDING
    return replace(mail, status=status, next_step_at=now + pause)
