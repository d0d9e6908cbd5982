"""Messages as they leave: their headers can't be made by what users write."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifier.domain.languages import Language
from services.notifier.domain.mails import MailCopy
from services.notifier.providers import Sender, build_message
from tests.unit.notifier.events import NOON, a_mail, a_recipient

SENDER = Sender("Example Hosting", "billing@example.com")
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Content-Language",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]
ATTEMPTS = (
    "x\r\nBcc: victim@example.com",
    "x\nBcc: victim@example.com",
    "=?utf-8?q?x=0D=0ABcc:_victim@example.com?=",
    '=?utf-8?q?x=0ABcc:_victim@example.com?="',
    "a\u2028Bcc: victim@example.com",
    "a\x00b\x1bc",
    '"><x@example.com>, victim@example.com',
    "Ana (a comment) Souza; group: b@example.com;",
)


def build(subject: str = "Hello", name: str = "Ana Souza") -> EmailMessage:
    mail = a_mail(recipient=a_recipient(name=name))
    return build_message(mail, MailCopy(subject, "text\n", "<p>html</p>"), SENDER)


def read(message: EmailMessage) -> EmailMessage:
    """Return the message as a recipient's program reads it."""
    parsed = message_from_bytes(message.as_bytes(policy=SMTP), policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_known_tricks_add_no_header_and_no_recipient(attempt: str) -> None:
    received = read(build(subject=attempt, name=attempt))
    assert sorted(received.keys()) == sorted(HEADERS)
    assert [a.addr_spec for a in received["To"].addresses] == ["ana@example.com"]


@given(subject=st.text(max_size=300), name=st.text(max_size=200))
@example(subject="=?utf-8?b?DQpCY2M6IHZAeC55?=", name="=?utf-8?b?DQpCY2M6IHZAeC55?=")
@example(subject="\ud800", name="\ud800")
def test_no_text_whatever_adds_a_header_or_a_recipient(subject: str, name: str) -> None:
    received = read(build(subject=subject, name=name))
    assert sorted(received.keys()) == sorted(HEADERS)
    assert [a.addr_spec for a in received["To"].addresses] == ["ana@example.com"]
    assert received.get_body(("plain",)) is not None


def test_ordinary_words_arrive_as_they_were_written() -> None:
    received = read(build(subject="Fatura nº 12: R$ 1.234,50", name="João D'Ávila"))
    assert received["Subject"] == "Fatura nº 12: R$ 1.234,50"
    assert received["To"].addresses[0].display_name == "João D'Ávila"
    assert received["From"].addresses[0].addr_spec == "billing@example.com"


def test_a_mail_is_the_same_message_at_every_try() -> None:
    mail = a_mail(message_id="<ticket.1.2@example.com>", thread_id="<t@example.com>")
    copy = MailCopy("Hello", "text\n", "<p>html</p>")
    first, second = (build_message(mail, copy, SENDER) for _ in range(2))
    for message in (first, second):
        assert message["Message-ID"] == "<ticket.1.2@example.com>"
        assert message["In-Reply-To"] == "<t@example.com>"
        assert message["References"] == "<t@example.com>"
        assert message["Date"].datetime == NOON


def test_both_twins_travel_with_the_text_first() -> None:
    message = read(build())
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert message["Auto-Submitted"] == "auto-generated"


def test_bodies_travel_as_seven_bits() -> None:
    mail = a_mail(recipient=a_recipient(language=Language.PT_BR))
    message = build_message(mail, MailCopy("Olá", "ação\n", "<p>ação</p>"), SENDER)
    assert message.as_bytes(policy=SMTP.clone(cte_type="7bit")).isascii()
