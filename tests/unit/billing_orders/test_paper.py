"""Invoices on paper: in the reader's language, and inert whatever they contain."""

from dataclasses import replace
from datetime import date

import pytest

from chassis.ids import uuid7
from chassis.money import Money
from services.billing.api.documents import Documents
from services.billing.api.paper import Sheet, sheet
from services.billing.domain.invoices import (
    Invoice,
    InvoiceKind,
    LineKind,
    NewLine,
    Party,
    allocate,
    draft,
    issue,
    void,
)
from services.billing.domain.payments import BY_HAND
from services.billing.settings import Settings
from tests.unit.billing_orders.builders import NOW

SELLER = Party(name="Nuvem Hospedagem", tax_id="12.345.678/0001-95", address=("Rua 1",))
BUYER = Party(name="Ana", company="Padaria", tax_id="111", country="BR", language="en")
HOSTILE = '#panic("p") #read("/etc/passwd") #image("x") $x^2$ *b* <i> ]] [ \\ " // /*'


def a_draft(description: str = "Web Start", *, lines: int = 1) -> Invoice:
    line = NewLine(
        kind=LineKind.FIRST,
        description=description,
        unit=Money(123456, "BRL"),
        service_id=uuid7(),
    )
    return draft(
        uuid7(),
        customer_id=uuid7(),
        kind=InvoiceKind.SERVICE,
        currency="BRL",
        lines=[(uuid7(), line) for _ in range(lines)],
        due_on=date(2026, 12, 4),
        now=NOW,
    )


def an_invoice(description: str = "Web Start", *, lines: int = 1) -> Invoice:
    return issue(
        a_draft(description, lines=lines),
        number="2026-000123",
        buyer=BUYER,
        seller=SELLER,
        on=date(2026, 11, 24),
    )


def printed(invoice: Invoice, language: str = "en") -> Sheet:
    return sheet(invoice, seller=SELLER, language=language, methods=BY_HAND)


def test_an_open_invoice_says_what_is_to_be_paid_and_how() -> None:
    page = printed(allocate(an_invoice(), Money(3456, "BRL"), on=date(2026, 12, 1)))
    assert page["number"] == "2026-000123"
    assert page["dates"] == [("Issued", "24 Nov 2026"), ("Due", "4 Dec 2026")]
    assert page["sums"] == [
        ("Subtotal", "R$1,234.56"),
        ("Tax", "R$0.00"),
        ("Total", "R$1,234.56"),
        ("Paid", "-R$34.56"),
    ]
    assert page["due"] == ("To be paid", "R$1,200.00")
    assert page["note"] is not None
    assert "choose bank transfer or deposit" in page["note"]["text"]
    assert (page["watermark"], page["mark"]["text"]) == (None, "Open")


def test_the_words_and_figures_are_the_readers() -> None:
    page = printed(an_invoice(), "pt-BR")
    assert page["heading"] == "Fatura"
    assert page["dates"][1] == ("Vencimento", "04/12/2026")
    assert page["due"] == ("A pagar", "R$\xa01.234,56")
    assert page["buyer"]["name"] == "Padaria"
    assert page["buyer"]["lines"] == ["Ana", "Brasil", "CPF/CNPJ 111"]


@pytest.mark.parametrize(
    ("invoice", "mark", "watermark"),
    [
        (a_draft(), "Draft", "DRAFT"),
        (void(an_invoice()), "Void", "VOID"),
        (
            allocate(an_invoice(), Money(123456, "BRL"), on=date(2026, 12, 1)),
            "Paid",
            None,
        ),
    ],
)
def test_its_state_can_not_be_overlooked(
    invoice: Invoice, mark: str, watermark: str | None
) -> None:
    page = printed(invoice)
    assert (page["mark"]["text"], page["watermark"]) == (mark, watermark)
    assert (page["note"] is None) == (mark != "Draft")


def test_a_first_line_shows_its_dates_once_it_has_some() -> None:
    invoice = an_invoice("Web Start, one month, from activation")
    assert printed(invoice)["lines"][0]["detail"] is None
    begun = replace(
        invoice.lines[0],
        period_start=date(2026, 12, 1),
        period_end=date(2027, 1, 1),
    )
    [line] = printed(replace(invoice, lines=(begun,)))["lines"]
    assert line["detail"] == "1 Dec 2026 to 31 Dec 2026"


def test_a_word_without_end_can_be_broken() -> None:
    [line] = printed(an_invoice("x" * 100))["lines"]
    assert max(len(part) for part in line["text"].split("\u200b")) <= 28
    assert line["text"].replace("\u200b", "") == "x" * 100


async def test_hostile_text_is_printed_as_text() -> None:
    settings = Settings(
        company_name=HOSTILE,
        company_address=HOSTILE,
        company_tax_id="1",
        bank_instructions="1",
    )
    hostile = Party(name=HOSTILE, company=HOSTILE, address=(HOSTILE,), email=HOSTILE)
    invoice = replace(an_invoice(HOSTILE), buyer=hostile)
    # Were any of it markup, `panic` and `read` would fail.
    pdf = await Documents(settings).print_invoice(invoice, language="en")
    assert pdf.startswith(b"%PDF-")


async def test_the_longest_invoice_can_be_printed() -> None:
    settings = Settings(
        company_name="Nuvem",
        company_address="Rua 1",
        company_tax_id="1",
        bank_instructions="1",
    )
    invoice = an_invoice("Web Start, one month, from activation", lines=500)
    pdf = await Documents(settings).print_invoice(invoice, language="en")
    assert pdf.startswith(b"%PDF-")
