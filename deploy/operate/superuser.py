"""Gives Postgres' superuser a new password, by the socket inside its container.

That socket asks nobody for a password: what was cut off can be done again.
"""

import os
import subprocess
from urllib.parse import urlsplit

from deploy.compose.secretfiles import POSTGRES
from deploy.operate.faults import CannotOperate

ROLE = "postgres"
CONTAINER = "postgres"
PSQL = ("psql", f"--username={ROLE}", "--quiet", "--set=ON_ERROR_STOP=1")
SECONDS = 60


def check(admin_url: str) -> None:
    """Raise CannotOperate where the superuser isn't that of the compose file."""
    parts = urlsplit(admin_url)
    if (parts.username, parts.netloc.rpartition("@")[2]) != (ROLE, POSTGRES):
        raise CannotOperate(
            f"database_admin_url doesn't name {ROLE} at {POSTGRES}: change the password"
            " at its own server, then in database_admin_url."
        )


def tell(password: str) -> None:
    """Have Postgres take the password; raises CannotOperate, and then it has not."""
    program = os.environ.get("DOCKER") or "docker"
    command = [program, "compose", "exec", "-T", CONTAINER, *PSQL]
    try:
        done = subprocess.run(  # noqa: S603 - every word is ours
            command,
            # Not as an argument, which everybody on the machine could read.
            input=f"ALTER ROLE {ROLE} PASSWORD '{password}';\n",
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise CannotOperate(f"{program} is not installed.") from None
    except subprocess.TimeoutExpired:
        raise CannotOperate(
            f"Postgres hasn't answered for {SECONDS} s: try again."
        ) from None
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CannotOperate(f"Postgres wasn't told, so nothing has changed: {said}")
