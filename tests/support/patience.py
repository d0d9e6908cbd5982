"""A process inside a test waits for a slow machine where else it would answer 503."""

import pytest

from chassis.db import pools
from chassis.http import waiting

#: Longer than any machine needs, and less than a handler may take.
PATIENCE_SECONDS = 25
LIMITS = (
    "ACQUIRE_SECONDS", "CONNECT_SECONDS", "STATEMENT_SECONDS", "COMMAND_SLACK_SECONDS",
)  # fmt: skip


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes that are opened from now on wait longer than any machine needs.

    Not for tests of these limits themselves.
    """
    for name in LIMITS:
        monkeypatch.setattr(pools, name, PATIENCE_SECONDS)
    monkeypatch.setitem(pools.SERVER_TIMEOUTS, "lock_timeout", f"{PATIENCE_SECONDS}s")
    monkeypatch.setattr(waiting, "WAIT_SECONDS", PATIENCE_SECONDS)
