"""What the system says about a payment, in the customer's language."""

from chassis.money import Money
from services.tickets.domain.answers import (
    PaidShare,
    ReceivedPayment,
    confirm_payment,
)


def brl(amount: str) -> Money:
    return Money.parse(amount, "BRL")


def a_payment(*shares: PaidShare, credited: str = "0.00") -> ReceivedPayment:
    return ReceivedPayment("TR-1", brl("1234.50"), brl(credited), shares)


FULL = PaidShare("2026-000123", brl("1234.50"), brl("0.00"))
SHORT = PaidShare("2026-000124", brl("40.00"), brl("60.00"))


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_full_payment_names_the_amount_the_reference_and_the_invoice() -> None:
    text = confirm_payment(a_payment(FULL), "en")
    assert "R$1,234.50 (payment TR-1)" in text
    assert "Invoice 2026-000123 is paid in full." in text
    assert "This ticket is closed" in text


def test_a_short_payment_says_what_remains_and_does_not_say_closed() -> None:
    text = confirm_payment(a_payment(FULL, SHORT), "en")
    assert "R$40.00 was used for invoice 2026-000124; R$60.00 remains" in text
    assert "closed" not in text


def test_brazilians_read_portuguese() -> None:
    text = plain(confirm_payment(a_payment(SHORT, credited="5.00"), "pt-BR"))
    assert "Recebemos R$ 1.234,50 (pagamento TR-1)." in text
    assert "falta pagar R$ 60,00" in text
    assert "R$ 5,00 virou crédito" in text


def test_an_unknown_language_is_answered_in_english() -> None:
    assert confirm_payment(a_payment(FULL), "tlh") == confirm_payment(
        a_payment(FULL), "en"
    )


def test_money_that_only_became_credit_settles_all() -> None:
    payment = a_payment(credited="1234.50")
    assert payment.settles_all
    assert "became credit" in confirm_payment(payment, "en")
