"""The demo company in containers: made once, then its logins told in the log.

`python -m deploy.compose.demo` runs beside a ready product, and stays: a container that
is there and healthy says that the demo is.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import aiohttp

from deploy.compose.secretfiles import SERVICES
from deploy.compose.told import told
from deploy.local.demo.company import Login, company, logins, seed_of
from deploy.local.demo.history import make_history
from deploy.local.seeding import Part, seed_all

GATEWAY = "http://gateway:8080"
MADE = Path("/var/lib/clientarea/demo/made")
WAIT_SECONDS = 60
POLL_SECONDS = 0.5


def main() -> None:
    """Make what isn't there yet; a start cut short goes on where it was."""
    passwords: dict[str, str] = json.loads(told("demo_people"))
    known = logins(passwords)
    if not MADE.exists():
        asyncio.run(_make(known, passwords))
        MADE.touch()
    widest = max(len(login.email) for login in known)
    for login in known:
        line = f"{login.role:10}{login.email:{widest}}  {login.password}\n"
        sys.stdout.write(line)
    sys.stdout.flush()


async def _make(known: list[Login], passwords: dict[str, str]) -> None:
    await seed_all({name: _part(name, passwords) for name in SERVICES})
    await _until_served()
    await make_history(GATEWAY, known)


def _part(name: str, passwords: dict[str, str]) -> Part:
    """Return what the service would be told, and what it is to make."""
    environment = {
        **company(),
        "DATABASE_URL": told(f"{name}_database_url"),
        "AMQP_URL": told("amqp_url"),
        "SIGNING_KEY": told("signing_key"),
        "LINK_KEY": told("link_key"),
        "SMTP_URL": told("smtp_url"),
        "PORTAL_URL": told("public_url"),
        "SANDBOX_CLOCK": told("sandbox_clock"),
    }
    return Part(environment=environment, seed=seed_of(name, passwords))


async def _until_served() -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        # No event can be set by another process.
        while not await _answers():  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)


async def _answers() -> bool:
    timeout = aiohttp.ClientTimeout(total=POLL_SECONDS * 10)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{GATEWAY}/api/v1/products") as answer,
        ):
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False


if __name__ == "__main__":
    main()
    # Waiting needs no interpreter.
    os.execv("/bin/sleep", ["sleep", "infinity"])  # noqa: S606 - nothing of ours is in it
