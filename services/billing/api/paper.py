"""An invoice as it is printed: every text of it ready, in the reader's language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypedDict, cast

from babel.core import Locale
from babel.numbers import format_currency

from chassis.money import Money
from services.billing.domain.invoices import (
    Invoice,
    InvoiceStatus,
    Line,
    LineKind,
    Party,
)
from services.billing.domain.payments import PaymentMethod
from services.billing.domain.periods import Span
from services.billing.domain.wording import day_text, span_text

#: Longer words may be broken anywhere, or they would run into the next column.
_LONG_WORD: Final = re.compile(r"\S{28}(?=\S)")
_ZERO_WIDTH_SPACE: Final = "\u200b"


class PartySheet(TypedDict):
    """A buyer or seller, and what the page's foot says of them."""

    heading: str
    name: str
    lines: list[str]
    footer: str


class MarkSheet(TypedDict):
    """The invoice's state, as a word in a colour."""

    text: str
    tone: str


class LineSheet(TypedDict):
    """One row of the table."""

    text: str
    detail: str | None
    quantity: str
    unit: str
    total: str


class NoteSheet(TypedDict):
    """What the reader is to do."""

    heading: str
    text: str


class Sheet(TypedDict):
    """All that templates/invoice.typ prints."""

    lang: str
    title: str
    heading: str
    number: str | None
    watermark: str | None
    mark: MarkSheet
    dates: list[tuple[str, str]]
    seller: PartySheet
    buyer: PartySheet
    columns: list[str]
    lines: list[LineSheet]
    sums: list[tuple[str, str]]
    due: tuple[str, str]
    note: NoteSheet | None
    page: str


@dataclass(frozen=True, slots=True)
class _Words:
    """One language's words on an invoice."""

    locale: str
    invoice: str
    issued: str
    due: str
    paid_on: str
    seller: str
    buyer: str
    tax_id: str
    columns: tuple[str, str, str, str]
    subtotal: str
    tax: str
    total: str
    paid: str
    remaining: str
    page: str
    marks: Mapping[InvoiceStatus, str]
    how_to_pay: str
    hint: str
    or_: str
    methods: Mapping[PaymentMethod, str]
    draft_heading: str
    draft_note: str


_ENGLISH: Final = _Words(
    locale="en",
    invoice="Invoice",
    issued="Issued",
    due="Due",
    paid_on="Paid",
    seller="From",
    buyer="Billed to",
    tax_id="Tax ID",
    columns=("Description", "Quantity", "Unit price", "Amount"),
    subtotal="Subtotal",
    tax="Tax",
    total="Total",
    paid="Paid",
    remaining="To be paid",
    page="Page {page} of {pages}",
    marks={
        InvoiceStatus.DRAFT: "Draft",
        InvoiceStatus.OPEN: "Open",
        InvoiceStatus.PAID: "Paid",
        InvoiceStatus.VOID: "Void",
        InvoiceStatus.UNCOLLECTIBLE: "Written off",
    },
    how_to_pay="How to pay",
    hint=(
        "Open this invoice in the Client Area, under Invoices, and choose {methods}. "
        "You will get a reference: please quote it with your payment, so that it finds "
        "its invoice."
    ),
    or_="or",
    methods={
        PaymentMethod.CARD: "card",
        PaymentMethod.PAYPAL: "PayPal",
        PaymentMethod.BOLETO: "bank slip",
        PaymentMethod.PIX: "Pix",
        PaymentMethod.BANK_TRANSFER: "bank transfer",
        PaymentMethod.DEPOSIT: "deposit",
    },
    draft_heading="Not issued yet",
    draft_note="This is a preview. The invoice will have a number once it is issued.",
)
_PORTUGUESE: Final = _Words(
    locale="pt_BR",
    invoice="Fatura",
    issued="Emissão",
    due="Vencimento",
    paid_on="Pagamento",
    seller="Emitente",
    buyer="Cliente",
    tax_id="CPF/CNPJ",
    columns=("Descrição", "Quantidade", "Preço unitário", "Valor"),
    subtotal="Subtotal",
    tax="Impostos",
    total="Total",
    paid="Pago",
    remaining="A pagar",
    page="Página {page} de {pages}",
    marks={
        InvoiceStatus.DRAFT: "Rascunho",
        InvoiceStatus.OPEN: "Em aberto",
        InvoiceStatus.PAID: "Paga",
        InvoiceStatus.VOID: "Cancelada",
        InvoiceStatus.UNCOLLECTIBLE: "Baixada",
    },
    how_to_pay="Como pagar",
    hint=(
        "Abra esta fatura na Área do Cliente, em Faturas, e escolha {methods}. Você "
        "receberá uma referência: informe-a no pagamento, para que ele encontre a "
        "sua fatura."
    ),
    or_="ou",
    methods={
        PaymentMethod.CARD: "cartão",
        PaymentMethod.PAYPAL: "PayPal",
        PaymentMethod.BOLETO: "boleto",
        PaymentMethod.PIX: "Pix",
        PaymentMethod.BANK_TRANSFER: "transferência bancária",
        PaymentMethod.DEPOSIT: "depósito",
    },
    draft_heading="Ainda não emitida",
    draft_note="Esta é uma prévia. A fatura recebe um número quando for emitida.",
)
_TONES: Final = {InvoiceStatus.PAID: "paid", InvoiceStatus.OPEN: "open"}
_WATERMARKED: Final = (InvoiceStatus.DRAFT, InvoiceStatus.VOID)


def sheet(
    invoice: Invoice,
    *,
    seller: Party,
    language: str,
    methods: tuple[PaymentMethod, ...],
) -> Sheet:
    """Compose what is printed; a draft's seller is who would issue it today."""
    words = _words(language)
    status = words.marks[invoice.status]
    return Sheet(
        lang=words.locale[:2],
        title=f"{words.invoice} {invoice.number or status}",
        heading=words.invoice,
        number=invoice.number,
        watermark=status.upper() if invoice.status in _WATERMARKED else None,
        mark=MarkSheet(text=status, tone=_TONES.get(invoice.status, "quiet")),
        dates=_dates(invoice, words),
        seller=_party(invoice.seller or seller, words.seller, words),
        buyer=_party(invoice.buyer or Party(name="-"), words.buyer, words),
        columns=list(words.columns),
        lines=[_line(line, language, words) for line in invoice.lines],
        sums=_sums(invoice, words),
        due=_due(invoice, words),
        note=_note(invoice, methods, words),
        page=words.page,
    )


def _words(language: str) -> _Words:
    return _PORTUGUESE if language.lower().startswith("pt") else _ENGLISH


def _dates(invoice: Invoice, words: _Words) -> list[tuple[str, str]]:
    dates = (
        (words.issued, invoice.issued_on),
        (words.due, invoice.due_on),
        (words.paid_on, invoice.paid_on),
    )
    return [(name, day_text(day, words.locale)) for name, day in dates if day]


def _party(party: Party, heading: str, words: _Words) -> PartySheet:
    tax_id = f"{words.tax_id} {party.tax_id}" if party.tax_id else None
    name, person = (party.company or party.name), party.company and party.name
    lines = (
        *(person, *party.address, _country(party.country, words)),
        *(tax_id, party.email),
    )
    return PartySheet(
        heading=heading,
        name=_breakable(name),
        lines=[_breakable(line) for line in lines if line],
        footer=_breakable(" · ".join(filter(None, (name, tax_id)))),
    )


def _line(line: Line, language: str, words: _Words) -> LineSheet:
    return LineSheet(
        text=_breakable(line.description),
        detail=_dates_since_activation(line, language),
        quantity=str(line.quantity),
        unit=_money(line.unit, words),
        total=_money(line.total, words),
    )


def _dates_since_activation(line: Line, language: str) -> str | None:
    """A first line's text was frozen before its dates were known; others name them."""
    if line.kind is not LineKind.FIRST or not (line.period_start and line.period_end):
        return None
    return span_text(Span(line.period_start, line.period_end), language)


def _sums(invoice: Invoice, words: _Words) -> list[tuple[str, str]]:
    rows = [(words.subtotal, invoice.subtotal), (words.tax, invoice.tax)]
    if invoice.allocated.positive:
        rows += [(words.total, invoice.total), (words.paid, -invoice.allocated)]
    return [(name, _money(money, words)) for name, money in rows]


def _due(invoice: Invoice, words: _Words) -> tuple[str, str]:
    """The last sum: what is to be paid of an open invoice, the total of any other."""
    if invoice.status in (InvoiceStatus.OPEN, InvoiceStatus.PAID):
        return words.remaining, _money(invoice.remaining, words)
    return words.total, _money(invoice.total, words)


def _note(
    invoice: Invoice, methods: tuple[PaymentMethod, ...], words: _Words
) -> NoteSheet | None:
    if invoice.status is InvoiceStatus.DRAFT:
        return NoteSheet(heading=words.draft_heading, text=words.draft_note)
    if not invoice.is_open or not methods:
        return None
    named = [words.methods[method] for method in methods]
    choice = f" {words.or_} ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    return NoteSheet(heading=words.how_to_pay, text=words.hint.format(methods=choice))


def _money(money: Money, words: _Words) -> str:
    return format_currency(money.decimal(), money.currency, locale=words.locale)


def _country(code: str | None, words: _Words) -> str | None:
    if code is None:
        return None
    names = cast("dict[str, str]", Locale.parse(words.locale).territories)
    return names.get(code, code)


def _breakable(text: str) -> str:
    return _LONG_WORD.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", text)
