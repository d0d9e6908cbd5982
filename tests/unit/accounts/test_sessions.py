"""What a refresh token may still do, and how long a session lives."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.ids import uuid7
from services.accounts.domain.sessions import (
    Lifetime,
    RefreshToken,
    Session,
    SessionKind,
    Verdict,
    child_token,
    judge_refresh,
    new_token,
    start_session,
    token_hash,
    use_session,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIFETIME = Lifetime(idle=timedelta(days=30), total=timedelta(days=180))
SESSION = start_session(
    uuid7(), uuid7(), device="x" * 500, address=None, lifetime=LIFETIME, now=NOW
)


@pytest.mark.parametrize(
    ("used_ago", "verdict"),
    [
        (None, Verdict.ROTATE),
        (timedelta(), Verdict.REPEAT),
        (timedelta(seconds=10), Verdict.REPEAT),
        (timedelta(seconds=10, microseconds=1), Verdict.REUSED),
        (timedelta(days=3), Verdict.REUSED),
    ],
)
def test_a_token_serves_once_with_ten_seconds_of_grace(
    used_ago: timedelta | None, verdict: Verdict
) -> None:
    used_at = None if used_ago is None else NOW - used_ago
    token = RefreshToken(b"hash", SESSION.id, used_at)
    assert judge_refresh(SESSION, token, now=NOW) is verdict


@pytest.mark.parametrize(
    "session",
    [replace(SESSION, ended_at=NOW), replace(SESSION, expires_at=NOW)],
)
def test_no_token_serves_a_session_that_is_over(session: Session) -> None:
    token = RefreshToken(b"hash", SESSION.id)
    assert judge_refresh(session, token, now=NOW) is Verdict.REFUSE


def test_use_prolongs_a_session_up_to_its_total_time() -> None:
    day = timedelta(days=1)
    used = use_session(
        SESSION, device=None, address="192.0.2.1", lifetime=LIFETIME, now=NOW + day
    )
    assert used.expires_at == NOW + 31 * day
    late = use_session(
        used, device="Phone/3", address=None, lifetime=LIFETIME, now=NOW + 170 * day
    )
    assert late.expires_at == NOW + 180 * day
    assert late.address == "192.0.2.1"
    assert (used.device, late.device) == ("x" * 300, "Phone/3")


def test_the_kind_of_a_session_follows_from_its_token() -> None:
    assert SESSION.kind is SessionKind.APP
    in_browser = replace(SESSION, token_hash=token_hash(new_token()))
    assert in_browser.kind is SessionKind.BROWSER


def test_a_use_need_not_be_noted_for_a_minute() -> None:
    assert SESSION.is_use_noted(NOW + timedelta(seconds=59))
    assert not SESSION.is_use_noted(NOW + timedelta(seconds=60))


def test_a_device_is_kept_short() -> None:
    assert SESSION.device == "x" * 300


def test_a_child_follows_from_its_parent_and_the_key() -> None:
    parent = new_token()
    assert child_token(b"key", parent) == child_token(b"key", parent)
    assert child_token(b"key", parent) != child_token(b"other", parent)
    assert child_token(b"key", parent) != child_token(b"key", new_token())
    assert token_hash(parent) != parent.encode()
