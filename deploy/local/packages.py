"""Find RabbitMQ on this machine, or install it with the system's package manager."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from deploy.local.faults import CannotStart
from deploy.local.installer import (
    Package,
    has_systemd,
    install,
    stop_service,
    try_to_run,
)

RABBITMQ = Package(
    "RabbitMQ",
    names=("rabbitmq-server",),
    elsewhere={"pacman": ("rabbitmq",)},
    otherwise="name a running broker in AMQP_URL",
)
#: Not /usr/sbin/rabbitmq-server: Debian's wrapper insists on its own user and /var.
FOLDERS = (
    "usr/lib/rabbitmq/bin",
    "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin",
    "usr/lib64/rabbitmq/bin",
    "opt/rabbitmq/sbin",
    "opt/homebrew/opt/rabbitmq/sbin",
    "usr/local/opt/rabbitmq/sbin",
)


def ensure_rabbitmq() -> Path:
    """Return the server's start script; install the package where it is missing."""
    if found := find_rabbitmq():
        return found
    rights = install(RABBITMQ)
    # What the package has just started: ours is another node.
    stop_service(rights, "rabbitmq-server")
    if not has_systemd():
        try_to_run([*rights, "epmd", "-kill"])
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
