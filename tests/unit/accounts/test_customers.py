"""Contact information: what is accepted, what changes, how it is found."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chassis.ids import uuid7
from services.accounts.domain.customers import (
    Customer,
    Details,
    InvalidDetails,
    Language,
    Rules,
    change_details,
    default_language,
    detail_faults,
    search_words,
)
from services.accounts.domain.emails import email_sought, read_email
from services.accounts.domain.people import ROLE_PERMISSIONS, Role, password_faults

RULES = Rules(
    currencies=frozenset(("BRL", "USD")),
    default_time_zone="America/Sao_Paulo",
    minimum_password_length=10,
)
DETAILS = Details(
    name="Ana",
    country="BR",
    currency="BRL",
    language=Language.PT_BR,
    time_zone="America/Sao_Paulo",
)
CUSTOMER = Customer(id=uuid7(), details=DETAILS, version=3)


def _faulty(**changed: object) -> list[str]:
    details = replace(DETAILS, **changed)  # pyright: ignore[reportArgumentType] - the point is to try anything
    return [fault.field for fault in detail_faults(details, RULES)]


@pytest.mark.parametrize(
    "tax_id",
    [None, "529.982.247-25", "52998224725", "11.222.333/0001-81", "12ABC34501DE35"],
)
def test_a_cpf_or_cnpj_is_accepted_in_brazil(tax_id: str | None) -> None:
    assert _faulty(tax_id=tax_id) == []


@pytest.mark.parametrize(
    "tax_id",
    ["529.982.247-26", "111.111.111-11", "00000000000000", "DE 123", "11.222.333"],
)
def test_anything_else_is_not(tax_id: str) -> None:
    assert _faulty(tax_id=tax_id) == ["tax_id"]
    assert _faulty(tax_id=tax_id, country="DE") == []


def test_only_what_changes_is_judged() -> None:
    old = replace(CUSTOMER, details=replace(DETAILS, currency="EUR", tax_id="x"))
    changed = change_details(old, replace(old.details, phone="12345"), RULES)
    assert changed.version == 4
    with pytest.raises(InvalidDetails):
        change_details(old, replace(old.details, tax_id="y"), RULES)


def test_changing_nothing_leaves_the_version() -> None:
    assert change_details(CUSTOMER, replace(DETAILS), RULES) is CUSTOMER


def test_the_country_suggests_the_language() -> None:
    assert default_language("BR") is default_language("PT") is Language.PT_BR
    assert default_language("DE") is Language.EN


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Ana@EXAMPLE.com ", "Ana@example.com"),
        ("ana@bücher.example.com", "ana@xn--bcher-kva.example.com"),
        ("ana+tag@sub.company.test", "ana+tag@sub.company.test"),
        ("ana", None),
        ("ana@", None),
        ("ana@localhost", None),
        ("ana@[127.0.0.1]", None),
        ("Ana <ana@example.com>", None),
        ("ana@example.com\r\nBcc: all@example.com", None),
        ("ána@example.com", None),
        (f"{'a' * 65}@example.com", None),
        (f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.com", None),
    ],
)
def test_an_email_is_kept_in_one_form_or_refused(typed: str, kept: str | None) -> None:
    assert read_email(typed) == kept


@given(some.text(max_size=300))
def test_whatever_is_typed_can_be_looked_for(text: str) -> None:
    assert email_sought(text) == email_sought(text.strip())
    assert email_sought("ANA@example.com") == email_sought("ana@EXAMPLE.COM ")


@given(some.text(max_size=200))
def test_words_to_search_by_hold_letters_and_digits_alone(text: str) -> None:
    assert all(word.isalnum() for word in search_words(text))


def test_words_are_plain_and_documents_also_whole() -> None:
    words = search_words("João Núñez", "529.982.247-25", None)
    assert words == {"joao", "nunez", "529", "982", "247", "25", "52998224725"}


def test_each_role_may_do_what_the_lesser_may() -> None:
    support, finance, admin = (ROLE_PERMISSIONS[role] for role in Role)
    assert support < finance < admin
    assert "payments.confirm" in finance - support
    assert {"clock.move", "operations", "news.write"} == admin - finance


@pytest.mark.parametrize(
    ("length", "accepted"), [(9, False), (10, True), (200, True), (201, False)]
)
def test_a_password_has_ten_to_two_hundred_characters(
    length: int, *, accepted: bool
) -> None:
    assert (password_faults("é" * length, minimum=10) == []) is accepted
