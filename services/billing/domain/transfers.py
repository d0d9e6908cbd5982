"""How to send money by hand, in words for the customer."""

from collections.abc import Mapping
from typing import Final

from babel.numbers import format_currency

from chassis.money import Money
from services.billing.domain.payments import Payment, PaymentMethod

_TEXTS: Final[Mapping[str, Mapping[PaymentMethod, str]]] = {
    "en": {
        PaymentMethod.BANK_TRANSFER: "Transfer {amount} to:",
        PaymentMethod.DEPOSIT: "Deposit {amount} to:",
    },
    "pt-BR": {
        PaymentMethod.BANK_TRANSFER: "Transfira {amount} para:",
        PaymentMethod.DEPOSIT: "Deposite {amount} em:",
    },
}
_ENDINGS: Final[Mapping[str, str]] = {
    "en": (
        "Reference: {reference}\n"
        "Write the reference on it, so that we know what it pays. Then open a ticket "
        "to the finance department with the receipt: it is confirmed there."
    ),
    "pt-BR": (
        "Referência: {reference}\n"
        "Informe a referência, para sabermos o que ela paga. Depois abra um chamado "
        "para o departamento financeiro com o comprovante: a confirmação é feita lá."
    ),
}


def instructions(payment: Payment, account: str, language: str) -> str:
    """Tell how to send a payment's amount to our account, in one of our languages."""
    known = language if language in _TEXTS else "en"
    beginning = _TEXTS[known][payment.method].format(
        amount=_written(payment.amount, known)
    )
    ending = _ENDINGS[known].format(reference=payment.reference)
    return f"{beginning}\n\n{account.strip()}\n\n{ending}"


def _written(money: Money, language: str) -> str:
    return format_currency(
        money.decimal(), money.currency, locale=language.replace("-", "_")
    )
