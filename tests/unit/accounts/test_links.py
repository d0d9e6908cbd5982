"""Mailed links: whose token it is, and while it counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chassis.ids import uuid7
from contracts.links import (
    RESET_PASSWORD,
    TOKEN_LENGTH,
    VERIFY_EMAIL,
    link_token,
    read_link_token,
)
from services.accounts.domain.customers import Language
from services.accounts.domain.links import (
    LinkRequest,
    Purpose,
    proved_already,
    proves,
    request_link,
)
from services.accounts.domain.people import User

KEY = b"a key that both processes know"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANA = User(
    id=uuid7(),
    customer_id=uuid7(),
    role=None,
    granted=frozenset(),
    name="Ana",
    email="ana@example.com",
    email_verified_at=None,
    password_hash="",
    password_changed_at=NOW,
    language=Language.EN,
)


def _request(purpose: Purpose = Purpose.VERIFY_EMAIL) -> LinkRequest:
    return request_link(uuid7(), ANA, purpose, now=NOW)


@given(some.uuids(), some.binary(min_size=16), some.sampled_from(list(Purpose)))
def test_a_token_leads_back_to_its_request(
    request_id: UUID, key: bytes, purpose: str
) -> None:
    token = link_token(key, purpose, request_id)
    assert len(token) == TOKEN_LENGTH
    assert read_link_token([key], purpose, token) == request_id


def test_the_contract_and_the_domain_name_purposes_alike() -> None:
    assert {VERIFY_EMAIL, RESET_PASSWORD} == set(Purpose)


def test_another_key_or_purpose_reads_nothing() -> None:
    token = link_token(KEY, VERIFY_EMAIL, uuid7())
    assert read_link_token([b"another key"], VERIFY_EMAIL, token) is None
    assert read_link_token([KEY], RESET_PASSWORD, token) is None


@given(some.integers(0, TOKEN_LENGTH - 1), some.characters())
def test_any_other_character_spoils_a_token(place: int, character: str) -> None:
    token = link_token(KEY, VERIFY_EMAIL, ANA.id)
    spoilt = token[:place] + character + token[place + 1 :]
    assert (read_link_token([KEY], VERIFY_EMAIL, spoilt) is None) == (spoilt != token)


@given(some.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    assert read_link_token([KEY], VERIFY_EMAIL, text) is None


@pytest.mark.parametrize(
    ("purpose", "lifetime"),
    [
        (Purpose.VERIFY_EMAIL, timedelta(days=3)),
        (Purpose.RESET_PASSWORD, timedelta(hours=1)),
    ],
)
def test_a_link_expires(purpose: Purpose, lifetime: timedelta) -> None:
    request = _request(purpose)
    assert proves(request, ANA, now=NOW + lifetime - timedelta(seconds=1))
    assert not proves(request, ANA, now=NOW + lifetime)


def test_a_link_proves_the_address_it_was_mailed_to_alone() -> None:
    assert proves(_request(), replace(ANA, email="ANA@example.com"), now=NOW)
    assert not proves(_request(), replace(ANA, email="eve@example.com"), now=NOW)


def test_a_used_link_proves_nothing_more() -> None:
    used = replace(_request(), used_at=NOW)
    assert not proves(used, ANA, now=NOW)
    assert proved_already(used, replace(ANA, email_verified_at=NOW))
    assert not proved_already(used, ANA)


def test_a_link_of_somebody_who_left_is_worth_nothing() -> None:
    assert not proves(_request(), replace(ANA, active=False), now=NOW)
