"""Install a missing package with the system's package manager, or say how to."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.faults import CannotStart

INSTALL_SECONDS = 600


@dataclass(frozen=True)
class Manager:
    """How a package manager installs what is named after the last command."""

    program: str
    commands: tuple[tuple[str, ...], ...]


MANAGERS = (
    Manager(
        "apt-get",
        (
            ("apt-get", "update", "-q"),
            ("apt-get", "install", "-qy", "--no-install-recommends"),
        ),
    ),
    Manager("dnf", (("dnf", "install", "-qy"),)),
    Manager("apk", (("apk", "add", "--quiet"),)),
    Manager("zypper", (("zypper", "-nq", "install"),)),
    Manager("pacman", (("pacman", "-S", "--noconfirm", "--needed"),)),
)


@dataclass(frozen=True)
class Package:
    """What is to be installed; `elsewhere` where it is called otherwise."""

    title: str
    names: tuple[str, ...]
    #: What one may do instead, after "or".
    otherwise: str
    elsewhere: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )

    def commands(self, manager: Manager) -> list[list[str]]:
        names = self.elsewhere.get(manager.program, self.names)
        *before, last = manager.commands
        return [*map(list, before), [*last, *names]]


def install(package: Package) -> list[str]:
    """Install it, asking nothing; return what runs a command with the rights used."""
    manager = _manager()
    rights = _root_rights()
    if manager is None or rights is None:
        raise CannotStart(by_hand(package))
    print(f"installing {package.title} with {manager.program} …", flush=True)
    for command in package.commands(manager):
        _run([*rights, "env", "DEBIAN_FRONTEND=noninteractive", *command], package)
    return rights


def by_hand(package: Package) -> str:
    """Return one line: what is missing, and how a person helps."""
    manager = _manager()
    steps = [" ".join(each) for each in package.commands(manager)] if manager else []
    how = f" (sudo {' && sudo '.join(steps)})" if steps else ""
    return (
        f"{package.title} is missing: install the package {package.names[0]}{how}, or"
        f" {package.otherwise}."
    )


def stop_service(rights: list[str], name: str) -> None:
    """Stop the service that a package has just started: nobody asked for it.

    Only called after an installation of ours, so one that somebody uses is safe.
    """
    command = ("systemctl", "disable", "--now", name)
    try_to_run([*rights, *(command if has_systemd() else ("service", name, "stop"))])


def has_systemd() -> bool:
    return Path("/run/systemd/system").exists()


def try_to_run(command: list[str]) -> None:
    """Run a command if there is such a program, however it ends."""
    if shutil.which(command[0]):
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )


def _manager() -> Manager | None:
    return next((each for each in MANAGERS if shutil.which(each.program)), None)


def _root_rights() -> list[str] | None:
    """Return what to put before a command to run it as root; None: not possible."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if asked.returncode == 0 else None


def _run(command: list[str], package: Package) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        told = (done.stderr or done.stdout).strip()[-400:]
        raise CannotStart(f"{by_hand(package)}\n{' '.join(command)} said: {told}")
