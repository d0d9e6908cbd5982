"""Find RabbitMQ on this machine, or install it with the system's package manager."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.local.faults import CannotStart

INSTALL_SECONDS = 600
#: Not /usr/sbin/rabbitmq-server: Debian's wrapper insists on its own user and /var.
FOLDERS = (
    "usr/lib/rabbitmq/bin",
    "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin",
    "usr/lib64/rabbitmq/bin",
    "opt/rabbitmq/sbin",
    "opt/homebrew/opt/rabbitmq/sbin",
    "usr/local/opt/rabbitmq/sbin",
)


@dataclass(frozen=True)
class Installer:
    """How one package manager installs RabbitMQ, asking nothing."""

    program: str
    commands: tuple[tuple[str, ...], ...]


INSTALLERS = (
    Installer(
        "apt-get",
        (
            ("apt-get", "update", "-q"),
            ("apt-get", "install", "-qy", "--no-install-recommends", "rabbitmq-server"),
        ),
    ),
    Installer("dnf", (("dnf", "install", "-qy", "rabbitmq-server"),)),
    Installer("apk", (("apk", "add", "--quiet", "rabbitmq-server"),)),
    Installer("zypper", (("zypper", "-nq", "install", "rabbitmq-server"),)),
    Installer("pacman", (("pacman", "-S", "--noconfirm", "--needed", "rabbitmq"),)),
)


def ensure_rabbitmq() -> Path:
    """Return the server's start script; install the package where it is missing."""
    if found := find_rabbitmq():
        return found
    _install()
    if found := find_rabbitmq():
        return found
    raise CannotStart("RabbitMQ was installed, but its rabbitmq-server is not found.")


def find_rabbitmq() -> Path | None:
    return next(_scripts(), None)


def _scripts() -> Iterator[Path]:
    for glob in FOLDERS:
        for folder in sorted(Path("/").glob(glob), reverse=True):
            if (folder / "rabbitmq-server").exists():
                yield folder / "rabbitmq-server"
    if on_path := shutil.which("rabbitmq-server"):
        yield Path(on_path)


def _install() -> None:
    installer = next((i for i in INSTALLERS if shutil.which(i.program)), None)
    rights = _root_rights()
    if installer is None or rights is None:
        raise CannotStart(_by_hand(installer))
    print(f"installing rabbitmq-server with {installer.program} …", flush=True)
    for command in installer.commands:
        _run([*rights, "env", "DEBIAN_FRONTEND=noninteractive", *command], installer)
    _stop_own_service(rights)


def _root_rights() -> list[str] | None:
    """Return what to put before a command to run it as root; None: not possible."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if asked.returncode == 0 else None


def _by_hand(installer: Installer | None) -> str:
    steps = [" ".join(command) for command in installer.commands] if installer else []
    how = f" (sudo {' && sudo '.join(steps)})" if steps else ""
    return (
        f"RabbitMQ is missing: install the package rabbitmq-server{how}, or name a"
        " running broker in AMQP_URL."
    )


def _run(command: list[str], installer: Installer) -> None:
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
        raise CannotStart(f"{_by_hand(installer)}\n{' '.join(command)} said: {told}")


def _stop_own_service(rights: list[str]) -> None:
    """Stop the service that the package has just started: ours is another node.

    Only called after an installation of ours, so a broker somebody uses is safe.
    """
    if Path("/run/systemd/system").exists():
        commands = [["systemctl", "disable", "--now", "rabbitmq-server"]]
    else:
        commands = [["service", "rabbitmq-server", "stop"], ["epmd", "-kill"]]
    for command in commands:
        if shutil.which(command[0]):
            subprocess.run(
                [*rights, *command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=INSTALL_SECONDS,
                check=False,  # it may not have been started at all
            )
