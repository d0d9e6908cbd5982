"""A process inside a test waits for a slow machine where else it would answer 503."""

import pytest

from chassis import db
from chassis.http import waiting

#: Longer than any machine needs, and less than a handler may take.
PATIENCE_SECONDS = 25.0


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes that are opened from now on wait longer than any machine needs.

    Not for tests of these limits themselves.
    """
    for name in ("ACQUIRE_SECONDS", "CONNECT_SECONDS", "COMMAND_SLACK_SECONDS"):
        monkeypatch.setattr(db, name, PATIENCE_SECONDS)
    for name in ("lock_timeout", "statement_timeout"):
        monkeypatch.setitem(db.SERVER_TIMEOUTS, name, f"{PATIENCE_SECONDS:g}s")
    monkeypatch.setattr(waiting, "WAIT_SECONDS", PATIENCE_SECONDS)
