"""CSRF tokens, and how many sessions a gateway keeps in memory."""

import re
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.api.accounts import BrowserSessionInUseView, MeView
from gateway import sessions as module
from gateway.services import Services
from gateway.sessions import BrowserSessions, csrf_token_of
from tests.support.tokens import a_customer, a_verifier, token_of

SECRETS = st.text(min_size=1, max_size=60, alphabet=st.characters(codec="utf-8"))


@given(SECRETS)
def test_a_csrf_token_follows_from_its_secret_and_fits_into_a_form(secret: str) -> None:
    token = csrf_token_of(secret)
    assert token == csrf_token_of(secret)
    assert re.fullmatch(r"[0-9A-Za-z_-]{43}", token)


@given(SECRETS, SECRETS)
def test_secrets_that_differ_have_csrf_tokens_that_differ(one: str, two: str) -> None:
    assert (csrf_token_of(one) == csrf_token_of(two)) == (one == two)


@given(st.binary(min_size=32, max_size=32))
def test_a_csrf_token_opens_no_session(random: bytes) -> None:
    secret = random.hex()
    assert csrf_token_of(secret) != secret
    assert csrf_token_of(csrf_token_of(secret)) != csrf_token_of(secret)


class _Answering(Services):
    """Opens a session for whatever token is asked about."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self, method: str, path: str, **options: Any) -> bytes:
        del method, path, options
        self.asked += 1
        principal = a_customer()
        me = MeView(
            id=principal.user_id,
            kind="customer",
            name="Ana Souza",
            email="ana@example.com",
            email_verified=True,
            language="en",
            role=None,
            permissions=[],
            customer_id=principal.customer_id,
        )
        answer = BrowserSessionInUseView(
            session_id=principal.session_id,
            expires_at=datetime.now(UTC),
            access_token=token_of(principal),
            expires_in=300,
            me=me,
        )
        return answer.model_dump_json().encode()


async def test_the_session_unused_for_longest_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAXIMUM_KEPT", 2)
    services = _Answering()
    sessions = BrowserSessions(services, a_verifier())
    first, second, third = (secrets.token_urlsafe(32) for _ in range(3))
    for token in (first, second, first, third):
        await sessions.open(token, user_agent="")
    assert services.asked == 3
    await sessions.open(first, user_agent="")
    await sessions.open(third, user_agent="")
    assert services.asked == 3
    await sessions.open(second, user_agent="")
    assert services.asked == 4
