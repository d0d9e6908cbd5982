"""A gateway that can't show its pages says so in one line, and never listens."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
NOBODY = "http://127.0.0.1:9"
START = """
from pathlib import Path

from chassis.process import main
from gateway.app import PROCESS
from gateway.portal import assets

assets.{where} = Path("/nowhere/{name}")
main(PROCESS)
"""


@pytest.mark.parametrize(
    ("where", "name"), [("_FILES['htmx.min.js']", "htmx.min.js"), ("_ICONS", "outline")]
)
async def test_files_for_browsers_that_were_never_fetched_are_told_in_one_line(
    where: str, name: str
) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", START.format(where=where, name=name), "serve"),
        cwd=REPOSITORY,
        env={**os.environ, **_environment()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            told, said = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
    assert child.returncode == 1
    assert told == b""
    assert said.decode().splitlines() == [
        f"what browsers are given is missing: /nowhere/{name}; run `make setup`"
    ]


def _environment() -> dict[str, str]:
    services = ("ACCOUNTS_URL", "BILLING_URL", "TICKETS_URL", "NOTIFIER_URL")
    return {
        **dict.fromkeys(services, NOBODY),
        "JWKS_URL": f"{NOBODY}/jwks",
        "PUBLIC_URL": "https://client.example.com",
        "AMQP_URL": "amqp://a:b@127.0.0.1:9/",
        "HTTP_PORT": "0",
    }
