"""Every mail, in every language: complete, localised, and safe with hostile text."""

from html.parser import HTMLParser
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from chassis.events import Event
from contracts.events import billing
from services.notifier.domain.languages import Language
from services.notifier.domain.mails import MailCopy, Template
from services.notifier.templates import FOLDER, MASK, Letterhead, Writer
from tests.unit.notifier.events import (
    EVENTS,
    a_credit_change,
    a_mail,
    a_payment,
    a_recipient,
    a_started_payment,
    an_answered_ticket,
    an_invoice,
    an_opened_ticket,
    money,
)

WRITERS = {
    language: Writer(language, Letterhead("Example Hosting", "https://my.example.com"))
    for language in Language
}
HOSTILE = '<script>alert("x")</script> <img src=x onerror=y> {{ 7 * 7 }} %(name)s'


def write(
    template: Template,
    event: Event,
    language: Language = Language.EN,
    *,
    token: str = MASK,
    **fields: Any,
) -> MailCopy:
    recipient = a_recipient(language=language, **fields)
    mail = a_mail(template, recipient=recipient)
    content = event.model_dump(mode="json")
    return WRITERS[language].write(mail, content, token=token)


class Shown(HTMLParser):
    """What an HTML mail shows, and which elements and links it has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self._texts: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self._texts.append(data)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("template", Template)
def test_every_mail_is_written_in_every_language(
    template: Template, language: Language
) -> None:
    copy = write(template, EVENTS[template], language)
    shown = Shown(copy.html)
    assert copy.subject
    assert f'lang="{language}"' in copy.html
    for text in (copy.text, shown.text):
        assert "Ana Souza" in text
        assert "Example Hosting" in text
    assert all(link.startswith("https://") for link in shown.links)


def test_every_sentence_is_translated() -> None:
    with (FOLDER / "pt_BR.po").open("rb") as source:
        catalog = read_po(source, locale="pt_BR")
    wanted = _sentences()
    known = {str(message.id): message for message in catalog if message.id}
    assert not wanted - known.keys(), "sentences without a translation"
    assert not known.keys() - wanted, "translations that no template needs"
    for message in known.values():
        assert message.string, f"{message.id} has no translation"
        assert not message.fuzzy
        assert _placeholders(str(message.id)) == _placeholders(str(message.string))


def _sentences() -> set[str]:
    options = {"trimmed": "true", "newstyle_gettext": "true", "extensions": "do"}
    options["extensions"] = "jinja2.ext.do"
    methods = [(f"**.{kind}", "jinja2") for kind in ("jinja", "html", "txt")]
    found = extract_from_dir(
        FOLDER, methods, {pattern: options for pattern, _ in methods}
    )
    return {str(sentence) for _, _, sentence, _, _ in found}


def _placeholders(sentence: str) -> set[str]:
    return {part.split(")")[0] for part in sentence.split("%(")[1:]}


def test_a_language_without_a_translation_would_be_noticed() -> None:
    assert "To pay" in _sentences()
    assert not Message("To pay").string


@pytest.mark.parametrize("language", Language)
def test_text_by_users_is_shown_literally(language: Language) -> None:
    event = an_answered_ticket(text=HOSTILE, subject_line=HOSTILE, author_name=HOSTILE)
    copy = write(Template.TICKET_ANSWERED, event, language, name=HOSTILE)
    shown = Shown(copy.html)
    assert HOSTILE in shown.text
    assert HOSTILE in copy.text
    assert HOSTILE in copy.subject
    assert not {"script", "img"} & set(shown.elements)
    assert not shown.handlers


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("template", Template)
def test_no_field_of_any_event_brings_markup(
    template: Template, language: Language
) -> None:
    event = EVENTS[template]
    texts = {
        name: HOSTILE
        for name, value in event
        if isinstance(value, str)
        and name not in ("due_on", "status", "method", "period", "reason", "priority")
    }
    copy = write(template, event.model_copy(update=texts), language, name=HOSTILE)
    shown = Shown(copy.html)
    assert not {"script", "img"} & set(shown.elements)
    assert not shown.handlers


def test_only_web_addresses_become_links() -> None:
    text = "https://example.com/a?b=1&c=2 javascript:alert(1) data:text/html,x"
    copy = write(Template.TICKET_OPENED, an_opened_ticket(text=text))
    links = Shown(copy.html).links
    assert "https://example.com/a?b=1&c=2" in links
    assert not any(link.startswith(("javascript", "data")) for link in links)


def test_lines_of_a_ticket_stay_lines() -> None:
    copy = write(Template.TICKET_OPENED, an_opened_ticket(text="one\r\ntwo\n\nthree"))
    assert "one\ntwo\n\nthree" in copy.text
    assert "one<br>" in copy.html


def test_control_characters_are_left_out() -> None:
    copy = write(Template.TICKET_OPENED, an_opened_ticket(text="a\x1b[31mb\x07c"))
    assert "a[31mbc" in copy.text


@pytest.mark.parametrize(
    ("language", "amount", "day"),
    [
        (Language.EN, "R$1,234.50", "December 11, 2026"),
        (Language.PT_BR, "R$ 1.234,50", "11 de dezembro de 2026"),
    ],
)
def test_money_and_dates_are_the_readers(
    language: Language, amount: str, day: str
) -> None:
    copy = write(Template.INVOICE_ISSUED, an_invoice(), language)
    for text in (copy.text, Shown(copy.html).text):
        assert amount in text
        assert day in text
    assert day in copy.subject


def test_instants_are_in_the_readers_time_zone() -> None:
    copy = write(Template.TICKET_ANSWERED, an_answered_ticket())
    assert "December 1, 2026, 12:00\u202fPM (GMT-03:00)" in copy.text


def test_an_unknown_time_zone_falls_back_to_utc() -> None:
    mail = a_mail(Template.TICKET_ANSWERED, time_zone="Mars/Olympus")
    content = an_answered_ticket().model_dump(mode="json")
    copy = WRITERS[Language.EN].write(mail, content)
    assert "3:00\u202fPM (GMT)" in copy.text or "GMT+00:00" in copy.text


def test_a_link_holds_its_secret_only_where_it_is_given() -> None:
    event = EVENTS[Template.PASSWORD_RESET]
    sent = write(Template.PASSWORD_RESET, event, token="S3CRET")
    kept = write(Template.PASSWORD_RESET, event)
    link = "https://my.example.com/reset-password?token="
    assert f"{link}S3CRET" in sent.text
    assert f"{link}S3CRET" in Shown(sent.html).links
    assert f"{link}{MASK}" in kept.text
    assert "S3CRET" not in kept.text + kept.html


def test_a_name_that_advertises_is_not_greeted() -> None:
    event = EVENTS[Template.EMAIL_VERIFICATION]
    for name in ("Win now http://spam.example", "www.spam.example", "spam.example"):
        copy = write(Template.EMAIL_VERIFICATION, event, name=name)
        assert "spam" not in copy.text + copy.html


def test_a_payment_that_pays_its_invoice_says_so_in_one_mail() -> None:
    copy = write(Template.PAYMENT_RECEIVED, a_payment())
    assert copy.subject == "Payment of R$60.00 received: invoice 2026-000123 is paid"
    assert "Added to your credit: R$10.10" in copy.text


def test_a_payment_without_excess_mentions_no_credit() -> None:
    copy = write(Template.PAYMENT_RECEIVED, a_payment(credited=money("0.00")))
    assert "credit" not in copy.text


def test_an_invoice_that_got_nothing_is_not_on_the_receipt() -> None:
    share = a_payment().shares[0].model_copy(update={"amount": money("0.00")})
    copy = write(Template.PAYMENT_RECEIVED, a_payment(shares=[share]))
    assert "2026-000123" not in copy.text


def test_credit_that_pays_an_invoice_says_that_it_is_paid() -> None:
    copy = write(Template.CREDIT_USED, a_credit_change())
    assert copy.subject == "Invoice 2026-000123 is paid from your credit"


@pytest.mark.parametrize("remaining", [money("70.00"), None])
def test_credit_that_pays_a_part_does_not(remaining: object) -> None:
    event = a_credit_change(reason="applied", invoice_remaining=remaining)
    copy = write(Template.CREDIT_USED, event)
    assert copy.subject == "R$30.00 of your credit went to invoice 2026-000123"
    assert ("R$70.00" in copy.text) is (remaining is not None)


def test_a_first_line_is_paid_for_from_activation() -> None:
    line = (
        an_invoice()
        .lines[0]
        .model_copy(update={"period_start": None, "period_end": None})
    )
    copy = write(Template.INVOICE_ISSUED, an_invoice(lines=[line]))
    assert "Hosting Pro (from activation): R$1,234.50" in copy.text


def test_an_invoice_with_nothing_to_pay_asks_for_nothing() -> None:
    event = an_invoice(remaining=money("0.00"), paid=money("1234.50"))
    copy = write(Template.INVOICE_ISSUED, event)
    assert copy.subject == "Invoice 2026-000123: nothing to pay"


def test_the_html_needs_no_style_sheet_and_fetches_nothing() -> None:
    html = write(Template.INVOICE_ISSUED, an_invoice()).html
    assert 'class="card" style="' in html
    assert "prefers-color-scheme: dark" in html
    for fetched in ("<link", "@import", "url(", "src="):
        assert fetched not in html


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("template", "event"),
    [
        (Template.PAYMENT_INSTRUCTIONS, a_started_payment()),
        (Template.PAYMENT_RECEIVED, a_payment()),
    ],
)
def test_a_mail_about_a_payment_leads_to_its_page(
    template: Template, event: billing.PaymentState, language: Language
) -> None:
    copy = write(template, event, language)
    page = f"https://my.example.com/payments/{event.payment_id}"
    assert page in Shown(copy.html).links
    assert page in copy.text
    assert "/tickets/new" not in copy.html
