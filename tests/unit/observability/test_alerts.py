"""Alerts fire when they should: Prometheus' own tool says so, where there is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.observability.queries import FOLDER, RULES

PROMTOOL = shutil.which("promtool")
SCENES = Path(__file__).with_name("alerts.yaml")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool comes with Debian's package prometheus"
)


def promtool(*arguments: str | Path) -> str:
    """Return what it says against the files; nothing is well."""
    assert PROMTOOL is not None
    done = subprocess.run(  # noqa: S603 - found on the PATH, asked about our own files
        [PROMTOOL, *arguments], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@needs_promtool
def test_alerts_fire_when_they_should_and_only_then() -> None:
    assert promtool("test", "rules", SCENES) == ""


@needs_promtool
def test_prometheus_can_read_its_configuration_and_rules() -> None:
    assert promtool("check", "config", FOLDER / "prometheus.yml") == ""
    assert promtool("check", "rules", *RULES) == ""
