"""Processes that a bench starts beside the product, and ends itself."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from deploy.local.datafolder import PROJECT

START_SECONDS = 20
STOP_SECONDS = 10
POLL_SECONDS = 0.05


@asynccontextmanager
async def running_module(
    module: str, *arguments: str | int | Path, ready_url: str
) -> AsyncGenerator[None]:
    """Run `python -m module …` until the block ends; it begins once the URL answers."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *map(str, arguments)), cwd=PROJECT
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            # No event can be set by another process.
            while not await _answers(ready_url):  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as http, http.get(url):
            return True
    except aiohttp.ClientError:
        return False
