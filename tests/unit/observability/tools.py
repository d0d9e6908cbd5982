"""Prometheus' own programs, which set-up installs where it may."""

import os
import subprocess
from pathlib import Path

import pytest

from deploy.local.faults import CannotStart
from deploy.local.prometheus import given_tool


def tool(name: str) -> Path:
    """Return the program; skip where a person has to install it, but never in CI."""
    try:
        return given_tool(name)
    except CannotStart as fault:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(fault))


def complaints(name: str, *arguments: str | Path) -> str:
    """Return what a program has against our files; nothing is well."""
    done = subprocess.run(  # noqa: S603 - one of ours, asked about our own files
        [tool(name), *arguments], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr
