"""Missing packages: installed by the system's package manager, or named in one line."""

from pathlib import Path

import pytest

from deploy.local.chromium import ensure_chromium, given_chromium
from deploy.local.faults import CannotStart
from deploy.local.prometheus import PROGRAMS, ensure_tools, given_tool


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the only programs of this machine, none at first; and no root."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr("deploy.local.chromium.ELSEWHERE", ())
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return tmp_path


def add(folder: Path, name: str, script: str = "") -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


#: Runs what follows its options and variables.
SUDO = """
while [ "${1#-}" != "$1" ]; do shift; done
[ "$1" != env ] || shift 2
[ "$1" = true ] || exec "$@"
"""
APT_GET = """
echo "$@" >>"{folder}/said"
[ "$1" = update ] || echo '#!/bin/sh' >"{folder}/chromium"
/bin/chmod +x "{folder}/chromium" 2>/dev/null || true
"""


def test_a_browser_that_is_there_is_used(programs: Path) -> None:
    chrome = add(programs, "google-chrome")
    assert ensure_chromium() == chrome


def test_the_environment_names_another(
    programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add(programs, "chromium")
    other = add(tmp_path, "my-chromium")
    monkeypatch.setenv("CHROMIUM", str(other))
    assert ensure_chromium() == other


def test_a_name_without_a_program_is_told(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(programs, "chromium")
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(CannotStart, match="/nowhere/chromium"):
        ensure_chromium()


def test_a_missing_browser_is_installed_without_questions(programs: Path) -> None:
    add(programs, "apt-get", APT_GET.format(folder=programs))
    add(programs, "sudo", SUDO)
    assert ensure_chromium() == programs / "chromium"
    assert (programs / "said").read_text().splitlines() == [
        "update -q",
        "install -qy --no-install-recommends chromium fonts-inter",
    ]
    assert ensure_chromium() == programs / "chromium"
    assert len((programs / "said").read_text().splitlines()) == 2


def test_packages_have_other_names_elsewhere(programs: Path) -> None:
    add(programs, "pacman")
    with pytest.raises(CannotStart, match=r"pacman -S .* chromium inter-font"):
        ensure_chromium()


def test_without_rights_a_line_says_what_to_do(programs: Path) -> None:
    add(programs, "apt-get", "exit 1")
    with pytest.raises(CannotStart) as told:
        ensure_chromium()
    assert str(told.value) == (
        "Chromium is missing: install the package chromium"
        " (sudo apt-get update -q && sudo apt-get install -qy --no-install-recommends"
        " chromium fonts-inter), or name a Chromium or Chrome that you have,"
        " CHROMIUM=/path/to/it."
    )


def test_what_the_package_manager_says_is_told(programs: Path) -> None:
    add(programs, "apt-get", "echo 'no such package' >&2; exit 100")
    add(programs, "sudo", SUDO)
    with pytest.raises(CannotStart, match="no such package"):
        ensure_chromium()


def test_tests_install_nothing_by_themselves(programs: Path) -> None:
    add(programs, "apt-get", APT_GET.format(folder=programs))
    add(programs, "sudo", SUDO)
    with pytest.raises(CannotStart, match="Chromium is missing"):
        given_chromium()
    assert not (programs / "said").exists()


def test_prometheus_tools_are_installed_and_what_the_packages_start_is_stopped(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.installer.has_systemd", lambda: False)
    made = "\n".join(f'/bin/cp /bin/sh "{programs}/{name}"' for name in PROGRAMS)
    add(programs, "apt-get", f'echo "$@" >>"{programs}/said"\n{made}')
    add(programs, "service", f'echo "$@" >>"{programs}/said"')
    add(programs, "sudo", SUDO)
    ensure_tools()
    ensure_tools()  # Nothing is missing any more.
    names = ("prometheus", "prometheus-alertmanager", "prometheus-postgres-exporter")
    assert (programs / "said").read_text().splitlines() == [
        "update -q",
        f"install -qy --no-install-recommends {' '.join(names)}",
        *(f"{name} stop" for name in names),
    ]
    assert given_tool("promtool") == programs / "promtool"
