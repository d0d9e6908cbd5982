"""Staff's tasks in the language of the house; what isn't known here stays English."""

from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from chassis.errors import Text, Value
from chassis.money import Money

#: By language, and by the English template; each names the same values.
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "pt-BR": {
        "The daily run failed for a customer": (
            "A rotina diária falhou para um cliente"
        ),
        "The renewal of services failed as of {day}: {problem}. All others were dealt "
        "with. Every run tries this again, until it succeeds; the log has the "
        "details.": (
            "A renovação de serviços falhou em {day}: {problem}. Todos os outros "
            "clientes foram processados. Cada rotina tenta de novo, até dar certo; os "
            "detalhes estão no log."
        ),
        "Paying due invoices from credit failed as of {day}: {problem}. All others "
        "were dealt with. Every run tries this again, until it succeeds; the log has "
        "the details.": (
            "O pagamento de faturas vencidas com crédito falhou em {day}: {problem}. "
            "Todos os outros clientes foram processados. Cada rotina tenta de novo, "
            "até dar certo; os detalhes estão no log."
        ),
        "Cancelling unpaid orders failed as of {day}: {problem}. All others were dealt "
        "with. Every run tries this again, until it succeeds; the log has the "
        "details.": (
            "O cancelamento de pedidos não pagos falhou em {day}: {problem}. Todos os "
            "outros clientes foram processados. Cada rotina tenta de novo, até dar "
            "certo; os detalhes estão no log."
        ),
        "Payment {reference} arrived for what it can't pay": (
            "O pagamento {reference} chegou para o que já não pode pagar"
        ),
        "{received} arrived; it was meant for {invoices}, which can't take it any "
        "more. {credited} of it became the customer's credit. Was it meant for "
        "something else?": (
            "Chegaram {received}, destinados a {invoices}, que não podem mais "
            "recebê-los. {credited} viraram crédito do cliente. Eram para outra coisa?"
        ),
    }
}


def say_in(language: str, text: Text) -> str | None:
    """Return the text in the language; None where that doesn't have it."""
    template = _TEXTS.get(language, {}).get(text.template)
    if template is None:
        return None
    locale = language.replace("-", "_")
    shown = {name: _shown(value, locale) for name, value in text.values.items()}
    return template.format_map(shown)


def _shown(value: Value, locale: str) -> str:
    if isinstance(value, Money):
        return format_currency(value.decimal(), value.currency, locale=locale)
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return format_decimal(value, locale=locale)
    if isinstance(value, date):
        return format_date(value, "medium", locale=locale)
    return str(value) if isinstance(value, UUID) else ", ".join(value)
