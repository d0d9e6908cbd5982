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
    "paid_with_credit": (
        "Invoice {number} is now paid in full, with your account's credit.\n"
        "If you have also sent money for it, nothing is lost: this ticket stays open, "
        "and once the money has arrived it becomes credit in your account. If you sent "
        "nothing, you can close the ticket."
    ),
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
        "paid_with_credit": (
            "A fatura {number} agora está paga por inteiro, com o crédito da sua "
            "conta.\n"
            "Se você também enviou dinheiro para pagá-la, nada se perde: este chamado "
            "continua aberto e, assim que o dinheiro chegar, ele vira crédito na sua "
            "conta. Se você não enviou nada, pode encerrar o chamado."
        ),
        "closing": (
            "Este chamado está encerrado. Se faltar algo, basta responder que ele "
            "será reaberto."
        ),
    },
}


def paid_with_credit(number: str, language: str) -> str:
    """Say that credit has paid the invoice, and what becomes of money on its way."""
    return _TEXTS.get(language, _ENGLISH)["paid_with_credit"].format(number=number)


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
