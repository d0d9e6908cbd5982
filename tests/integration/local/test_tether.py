"""What ties a command to the process that started it."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from deploy.local import tether
from deploy.local.datafolder import PROJECT
from deploy.local.waiting import poll

WITHIN = 60
#: Writes its number into the file it is given, and stays.
STAY = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(1000)"
NOBODY = 65534


def start_and_be_killed(code: str) -> int:
    """Run a script that prints a process's number and is then killed; return that."""
    script = f"import os, signal, subprocess, sys\n{dedent(code)}"
    done = subprocess.run(  # noqa: S603  # the script above
        [sys.executable, "-c", script], cwd=PROJECT, check=False, stdout=subprocess.PIPE
    )
    return int(done.stdout.split()[0])


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


async def test_it_dies_with_the_process_that_started_it() -> None:
    pid = start_and_be_killed(f"""
        from deploy.local.tether import tethered
        child = subprocess.Popen(
            tethered([sys.executable, "-c", {STAY!r}]), stdout=subprocess.PIPE
        )
        os.write(1, child.stdout.readline())
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert await poll(lambda: not alive(pid), within=WITHIN)


async def test_it_dies_too_where_the_kernel_can_not_tell() -> None:
    pid = start_and_be_killed(f"""
        watch = "import sys; sys.platform = 'elsewhere';"
        watch += "from deploy.local import tether;"
        watch += f"tether.main({{os.getpid()}}, 9, '-', sys.argv[1:])"
        child = subprocess.Popen(
            [sys.executable, "-c", watch, sys.executable, "-c", {STAY!r}],
            stdout=subprocess.PIPE,
        )
        os.write(1, child.stdout.readline())
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert await poll(lambda: not alive(pid), within=WITHIN)


def test_nothing_starts_for_a_process_that_has_died_already() -> None:
    command = tether.tethered(["/bin/echo", "started"])
    command[command.index(str(os.getpid()))] = "1"  # a parent that isn't ours
    done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603
    assert done.stdout == b""


def test_the_command_keeps_its_arguments_and_its_answer() -> None:
    command = tether.tethered(["/bin/sh", "-c", 'echo "$1"; exit 7', "sh", "a  b"])
    done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603
    assert (done.stdout, done.returncode) == (b"a  b\n", 7)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
def test_root_gives_up_every_right() -> None:
    command = tether.tethered(["/usr/bin/id"], uid=NOBODY, gid=NOBODY)
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    assert "0(root)" not in done.stdout
    assert f"uid={NOBODY}" in done.stdout
