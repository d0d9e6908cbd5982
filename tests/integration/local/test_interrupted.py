"""Ctrl-C is heard at any time, and answered without a traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.datafolder import PROJECT
from deploy.local.ports import free_ports


@pytest.mark.parametrize("seconds", [0, 0.3, 0.8])
def test_an_early_ctrl_c_ends_it_without_a_word_of_fault(
    tmp_path: Path, seconds: float
) -> None:
    told = {
        **os.environ,
        "CLIENTAREA_DATA": str(tmp_path / "data"),
        "CLIENTAREA_PORT": str(free_ports(1)[0]),
    }
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "deploy.local", "run"],
        cwd=PROJECT,
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - no thread of ours is running
    ) as process:
        try:
            wait_until_ours(process)
            # Whatever it is at by then, which differs from machine to machine.
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=100)
        finally:
            process.kill()
    assert "Traceback" not in said
    assert process.returncode in (0, -signal.SIGINT)


def hear_ctrl_c() -> None:
    """Undo what a shell does to what it starts in the background: deafness."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until_ours(process: subprocess.Popen[str]) -> None:
    """Wait until our first line has run: what it imports next is told on the way."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith("import time:") and "asyncio" in line:
            return
    raise AssertionError("it ended before it began")
