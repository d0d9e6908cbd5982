"""The image is made of what the product needs, by a lock of its own."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


def pinned(lock: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / lock).read_text(encoding="utf-8")))


def wanted() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        re.split(r"[\s\[<>=!~;]", each)[0]
        for each in project["project"]["dependencies"]
    }


def test_the_image_has_every_library_that_the_product_names() -> None:
    assert wanted() - pinned("deploy/runtime.lock").keys() == set()


def test_the_image_has_the_versions_that_are_tested() -> None:
    tested, shipped = pinned("requirements.lock"), pinned("deploy/runtime.lock")
    both = shipped.keys() & tested.keys()
    assert {name: shipped[name] for name in both} == {
        name: tested[name] for name in both
    }
