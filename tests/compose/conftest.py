"""The stack of the compose test: built, started, and taken down with its volumes."""

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from deploy.local.ports import free_ports
from tests.compose.engine import engine
from tests.compose.stack import Stack

#: The user of our containers, who writes backups.
UID = 10001


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Generator[Stack]:
    """Everything, with the demo, under a name of its own."""
    folder = Path(tempfile.mkdtemp(prefix="clientarea-compose-"))
    try:
        with engine() as reached:
            stack = _named("clientarea-test", reached, folder)
            _make_backups_folder(stack)
            try:
                stack.python("deploy.compose.secretfiles")
                stack.compose("up", "--detach", "--build", "--wait")
                stack.compose("build", "operate")
                # All is built: nothing that runs from now on is built again.
                yield stack.told(CLIENTAREA_PULL="missing")
            except BaseException:
                sys.stdout.write(stack.logs())
                raise
            finally:
                if request.session.testsfailed:
                    sys.stdout.write(stack.logs())
                remove(stack)
    finally:
        shutil.rmtree(folder)


def beside(stack: Stack) -> Stack:
    """Return another stack with the same secrets and backups, and nothing else."""
    told = stack.environment
    return _named("clientarea-fresh", told, Path(told["CLIENTAREA_DATA"]))


def remove(stack: Stack) -> None:
    """Take it down, volumes and all."""
    stack.compose(
        *("--profile", "*", "down", "--volumes", "--remove-orphans"),
        *("--timeout", "3"),
    )


def _named(name: str, reached: Mapping[str, str], data: Path) -> Stack:
    """Return a stack that shares no name, port or volume with any other."""
    gateway, mailbox = free_ports(2)
    return Stack(
        {
            **reached,
            "COMPOSE_PROJECT_NAME": f"{name}-{os.getpid()}",
            "COMPOSE_ENV_FILES": "deploy/compose/demo.env",
            "COMPOSE_ANSI": "never",
            "COMPOSE_PROGRESS": "quiet",
            "CLIENTAREA_IMAGE": "clientarea-test",
            "CLIENTAREA_DATA": str(data),
            "CLIENTAREA_BACKUPS": str(data / "backups"),
            "CLIENTAREA_PORT": str(gateway),
            "MAILBOX_PORT": str(mailbox),
        }
    )


def _make_backups_folder(stack: Stack) -> None:
    folder = Path(stack.environment["CLIENTAREA_BACKUPS"])
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, UID, UID)
    else:
        folder.chmod(0o777)
