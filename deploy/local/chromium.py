"""Find the Chromium that the browser tests use, or install it: only tests need one.

`python -m deploy.local.chromium` is what `make test` does first. It also looks after
Playwright, which drives the browser by a Node of its own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.local.faults import CannotStart
from deploy.local.installer import Package, by_hand, install

CHROMIUM = Package(
    "Chromium",
    # Inter is the first font that our style sheet asks for.
    names=("chromium", "fonts-inter"),
    elsewhere={
        "dnf": ("chromium", "rsms-inter-fonts"),
        "apk": ("chromium", "font-inter"),
        "zypper": ("chromium", "dejavu-fonts"),
        "pacman": ("chromium", "inter-font"),
    },
    otherwise="name a Chromium or Chrome that you have, CHROMIUM=/path/to/it",
)
#: All that Playwright's Node asks of a machine, and a small one may lack.
LIBATOMIC = Package(
    "Node's libatomic",
    names=("libatomic1",),
    elsewhere={
        "dnf": ("libatomic",),
        "apk": ("libatomic",),
        "pacman": ("gcc-libs",),
    },
    otherwise="name a Node that runs, PLAYWRIGHT_NODEJS_PATH=/path/to/it",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ELSEWHERE = (Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),)


def ensure_chromium() -> Path:
    """Return the browser's program; install the package where there is none."""
    if found := find_chromium():
        return found
    install(CHROMIUM)
    if found := find_chromium():
        return found
    raise CannotStart("Chromium was installed, but its program is not found.")


def ensure_driver() -> None:
    """Install what Playwright's own Node lacks, if it doesn't run."""
    if _driver_runs():
        return
    install(LIBATOMIC)
    if not _driver_runs():
        raise CannotStart("Playwright doesn't run: try .venv/bin/playwright --version.")


def given_chromium() -> Path:
    """Return the browser's program, which set-up has provided."""
    if found := find_chromium():
        return found
    raise CannotStart(by_hand(CHROMIUM))


def find_chromium() -> Path | None:
    """Return the program that CHROMIUM names, else one on the PATH."""
    if named := os.environ.get("CHROMIUM"):
        if program := shutil.which(named):
            return Path(program)
        raise CannotStart(f"CHROMIUM names no program: {named}")
    on_path = (Path(found) for name in NAMES if (found := shutil.which(name)))
    installed = (program for program in ELSEWHERE if program.exists())
    return next(on_path, None) or next(installed, None)


def _driver_runs() -> bool:
    asked = [sys.executable, "-m", "playwright", "--version"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    try:
        ensure_chromium()
        ensure_driver()
    except CannotStart as fault:
        sys.exit(str(fault))
