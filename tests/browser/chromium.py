"""Chromium for the tests: it knows this machine alone, and asks nobody for anything."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from deploy.local.chromium import given_chromium

FONTS = Path(__file__).parent / "fonts.conf"
ARGUMENTS = (
    # Nothing but loopback has an address, whatever a page or the browser wants.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)


@asynccontextmanager
async def open_browser() -> AsyncGenerator[Browser]:
    """Start the machine's Chromium, without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=given_chromium(),
            args=ARGUMENTS,
            env={**os.environ, "FONTCONFIG_FILE": str(FONTS)},
            # Its sandbox refuses to serve root, as whom containers run tests.
            chromium_sandbox=os.geteuid() != 0,
        )
        try:
            yield browser
        finally:
            await browser.close()
