"""What runs in the image needs nothing that only `make run` and the tests install."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from pkgutil import walk_packages

import deploy.compose
import deploy.operate
import deploy.postgres
from tests.compose.engine import ROOT

IN_THE_IMAGE = (deploy.compose, deploy.operate, deploy.postgres)

#: Imports its arguments, as if what its input names weren't installed.
IMPORT = """
import sys
from importlib import import_module
sys.modules.update(dict.fromkeys(sys.stdin.read().split()))
for module in sys.argv[1:]:
    import_module(module)
"""


def modules() -> list[str]:
    return [
        each.name
        for package in IN_THE_IMAGE
        for each in walk_packages(package.__path__, f"{package.__name__}.")
    ]


def not_in_the_image() -> list[str]:
    lock = Path(ROOT, "deploy/runtime.lock").read_text("utf-8")
    locked = {_plain(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    return [
        top
        for top, owners in packages_distributions().items()
        if top.isidentifier() and not locked.intersection(map(_plain, owners))
    ]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_libraries_of_make_run_are_not_in_the_image() -> None:
    """Else the next test would forbid nothing."""
    assert {"aiosmtpd", "pytest"} <= set(not_in_the_image())
    assert "aiohttp" not in not_in_the_image()


def test_what_runs_in_the_image_needs_only_its_libraries() -> None:
    tried = subprocess.run(  # noqa: S603 - a program and modules of ours
        [sys.executable, "-c", IMPORT, *modules()],
        input=" ".join(not_in_the_image()),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 0, tried.stderr
