"""Runs a service's own command with what `make run` tells that service."""

import os
import subprocess
import sys
from collections.abc import Sequence

from deploy.local.datafolder import DataFolder
from deploy.local.demo.company import company
from deploy.local.environments import ADDRESSES, Addresses, environments
from deploy.local.keys import FILE, Keys
from deploy.operate.faults import CannotOperate


def service_command(name: str, arguments: Sequence[str]) -> int:
    """Run `python -m services.NAME …`; return its exit code."""
    data = DataFolder.from_environment()
    addresses = data.read(ADDRESSES, Addresses) if data.is_ours else None
    keys = data.read(FILE, Keys) if data.is_ours else None
    if addresses is None or keys is None:
        raise CannotOperate(
            f"There is no `make run` in {data.path}. In containers, the service's own"
            f" has all it needs: docker compose exec {name}"
            f" python -m services.{name} {' '.join(arguments)}"
        )
    told = environments(addresses, keys, company(), data.blobs)[name]
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", f"services.{name}", *arguments],
        env={**os.environ, **told},
        check=False,
    ).returncode
