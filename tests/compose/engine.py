"""A container engine: the machine's own, or one started for the test and stopped by it.

Where no engine runs, CONTAINERS_SH names a script that brings one (or it lies beside
the project): `up-engine`, `images`, `env` and `down-engine` are what it is asked for.
"""

import os
import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ROOT.parent / "shared" / "tools" / "containers.sh"
#: Debian's: a client without plug-ins may come before it on the PATH.
CLIENTS = ("/usr/bin/docker", "docker")
STARTING_SECONDS = 900


@contextmanager
def engine() -> Generator[Mapping[str, str]]:
    """Yield the environment in which $DOCKER reaches an engine with compose."""
    if found := _running(os.environ):
        yield found
        return
    script = _script()
    started = _environment(script)
    if not (found := _running(started)):
        _run(script, "up-engine")
    try:
        _run(script, "images")
        ready = _running(_environment(script))
        assert ready, f"{script} started no engine with compose"
        yield ready
    finally:
        # Only what was started here.
        if not found:
            _run(script, "down-engine")


def _running(environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return the environment with DOCKER, if an engine with compose answers there."""
    for client in (environment.get("DOCKER", ""), *CLIENTS):
        if client and shutil.which(client) and _answers(client, environment):
            return {**environment, "DOCKER": client}
    return None


def _answers(client: str, environment: Mapping[str, str]) -> bool:
    return all(
        subprocess.run(
            [client, *asked], env=environment, capture_output=True, check=False
        ).returncode
        == 0
        for asked in (["info"], ["compose", "version"])
    )


def _script() -> Path:
    script = Path(os.environ.get("CONTAINERS_SH") or BESIDE)
    if not script.exists():
        pytest.exit(
            "the compose test needs a Docker engine with compose v2: start one, or name"
            " a script that does in CONTAINERS_SH",
            returncode=1,
        )
    return script


def _environment(script: Path) -> dict[str, str]:
    """Return the environment with what the script exports."""
    told = subprocess.run(
        ["bash", script, "env"], capture_output=True, text=True, check=True
    )
    exports = dict(
        each.split("=", 1)
        for line in told.stdout.splitlines()
        for each in line.removeprefix("export ").split()
    )
    return {**os.environ, **exports}


def _run(script: Path, command: str) -> None:
    subprocess.run(
        ["bash", script, command],
        check=True,
        timeout=STARTING_SECONDS,
        stdin=subprocess.DEVNULL,
    )
