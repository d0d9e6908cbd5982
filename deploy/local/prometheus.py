"""Find Prometheus' own tools, or install them: only tests need them.

They say whether alerts fire when they should, whether Alertmanager takes what it is
given, and what Postgres' exporter really tells. `python -m deploy.local.prometheus` is
what `make test` does first; where nothing can be installed, their tests say so.
"""

import shutil
import sys
from pathlib import Path

from deploy.local.faults import CannotStart
from deploy.local.installer import Package, by_hand, install, stop_service

TOOLS = Package(
    "Prometheus, with Alertmanager and Postgres' exporter,",
    names=(
        "prometheus",
        "prometheus-alertmanager",
        "prometheus-postgres-exporter",
    ),
    otherwise="leave out the tests that ask it",
)
PROMTOOL = "promtool"
AMTOOL = "amtool"
POSTGRES_EXPORTER = "prometheus-postgres-exporter"
PROGRAMS = (PROMTOOL, AMTOOL, POSTGRES_EXPORTER)


def ensure_tools() -> None:
    """Install the packages where one of the programs is missing."""
    if not _missing():
        return
    rights = install(TOOLS)
    for service in TOOLS.names:
        stop_service(rights, service)
    if missing := _missing():
        raise CannotStart(f"{TOOLS.title} was installed, but {missing} is not found.")


def given_tool(name: str) -> Path:
    """Return one of the programs, which set-up has provided."""
    if found := shutil.which(name):
        return Path(found)
    raise CannotStart(by_hand(TOOLS))


def _missing() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


if __name__ == "__main__":
    try:
        ensure_tools()
    except CannotStart as fault:
        sys.stderr.write(f"{fault}\nThe tests that ask it will be skipped.\n")
