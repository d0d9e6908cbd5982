"""What is given to `seed` by whoever fills a new installation."""

import io
from dataclasses import replace

import pytest

from chassis.commands import main
from chassis.process import Process
from chassis.settings import ProcessSettings

PROCESS = Process(name="things", package="things", settings=ProcessSettings)


@pytest.mark.parametrize("given", [b"", b"[", b"\xff", b"[" * 100_000])
def test_a_seed_that_is_no_json_is_one_line(
    given: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def seed(*_: object) -> None:
        raise AssertionError("nothing was read")

    # The test's own logs stay as they are.
    monkeypatch.setattr("chassis.commands.configure_logs", lambda *_: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType] - takes anything
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), "utf-8"))
    monkeypatch.setattr("sys.argv", ["things", "seed"])
    with pytest.raises(SystemExit) as ended:
        main(replace(PROCESS, seed=seed))
    line = str(ended.value.code)
    assert line.startswith("standard input must be JSON: ")
    assert "\n" not in line
