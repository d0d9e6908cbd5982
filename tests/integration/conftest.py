"""What tests inside a process share: it gives a busy machine the time it needs."""

import pytest

from tests.support.patience import be_patient


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what takes long on a busy machine take long; a module may want otherwise."""
    be_patient(monkeypatch)
