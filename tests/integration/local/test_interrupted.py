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

SIGINT_CAUGHT = 1 << (signal.SIGINT - 1)


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
        [sys.executable, "-m", "deploy.local", "run"],
        cwd=PROJECT,
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - no thread of ours is running
    ) as process:
        try:
            wait_until_ours(process.pid)
            # Whatever it is at by then, which differs from machine to machine.
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "Traceback" not in said
    assert process.returncode in (0, -signal.SIGINT)


def hear_ctrl_c() -> None:
    """Undo what a shell does to what it starts in the background: deafness."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until_ours(pid: int) -> None:
    """Wait until our first line has run, which takes Python's own handler away."""
    deadline = time.monotonic() + 30
    seen = False
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/status").read_text()
        [caught] = [line for line in status.splitlines() if line.startswith("SigCgt")]
        is_caught = bool(int(caught.split()[1], 16) & SIGINT_CAUGHT)
        if seen and not is_caught:
            return
        seen = seen or is_caught
        time.sleep(0.001)
    raise AssertionError("it never began")
