"""What the system says in a ticket, in the customer's language."""

from dataclasses import dataclass

from babel.numbers import format_currency

from chassis.money import Money


@dataclass(frozen=True, slots=True)
class PaidShare:
    """What a payment did for one invoice."""

    number: str | None
    amount: Money
    remaining: Money


@dataclass(frozen=True, slots=True)
class ReceivedPayment:
    """Money that arrived, and where it went."""

    reference: str
    received: Money
    credited: Money
    shares: tuple[PaidShare, ...]

    @property
    def settles_all(self) -> bool:
        """Whether nothing remains to be paid of the invoices it names."""
        return not any(share.remaining.positive for share in self.shares)


_ENGLISH = {
    "received": "We received {amount} (payment {reference}). Thank you!",
    "paid": "Invoice {number} is paid in full.",
    "short": (
        "{amount} was used for invoice {number}; {remaining} remains to be paid."
    ),
    "credited": "{amount} became credit in your account.",
    "closing": (
        "This ticket is closed. If anything is missing, just reply and it opens again."
    ),
}
_TEXTS = {
    "en": _ENGLISH,
    "pt-BR": {
        "received": "Recebemos {amount} (pagamento {reference}). Obrigado!",
        "paid": "A fatura {number} está paga por inteiro.",
        "short": ("{amount} foi usado na fatura {number}; falta pagar {remaining}."),
        "credited": "{amount} virou crédito na sua conta.",
        "closing": (
            "Este chamado está encerrado. Se faltar algo, basta responder que ele "
            "será reaberto."
        ),
    },
}


def confirm_payment(payment: ReceivedPayment, language: str) -> str:
    """Say what was received, what it paid, and what remains."""
    texts = _TEXTS.get(language, _ENGLISH)

    def money(amount: Money) -> str:
        locale = language.replace("-", "_") if language in _TEXTS else "en"
        return format_currency(amount.decimal(), amount.currency, locale=locale)

    lines = [
        texts["received"].format(
            amount=money(payment.received), reference=payment.reference
        )
    ]
    lines += [
        texts["short" if share.remaining.positive else "paid"].format(
            number=share.number or "",
            amount=money(share.amount),
            remaining=money(share.remaining),
        )
        for share in payment.shares
    ]
    if payment.credited.positive:
        lines.append(texts["credited"].format(amount=money(payment.credited)))
    if payment.settles_all:
        lines.append(texts["closing"])
    return "\n".join(lines)
