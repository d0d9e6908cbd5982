"""States are listed twice, in Python and in SQL: both lists must be the same."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import ModuleType

import pytest

from deploy.processes import SERVICES

ROOT = Path(__file__).resolve().parents[2]
#: `CONSTRAINT orders_status_check CHECK ((status = ANY (ARRAY['pending'::text, …])))`.
LISTED = re.compile(
    r"CONSTRAINT (\w+) CHECK \(\(\w+ = ANY \(ARRAY\[(.*?)\]\)\)\)", re.DOTALL
)
#: These columns hold some of their enum's values.
NARROWER = {"balances_kind_check", "attachments_uploader_kind_check"}


def constraints() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield each list of values in a schema, with its service and constraint."""
    for process in SERVICES:
        schema = (ROOT / f"services/{process.name}/schema.sql").read_text("utf-8")
        for name, values in LISTED.findall(schema):
            yield process.name, name, frozenset(re.findall(r"'([^']*)'", values))


def enums_of(service: str) -> dict[str, frozenset[str]]:
    """Return the values of each enum of the service's domain, by its name."""
    return {
        name: frozenset(found)
        for module in _modules(f"services.{service}.domain")
        for name, found in vars(module).items()
        if isinstance(found, type) and issubclass(found, StrEnum) and list(found)
    }


def _modules(package: str) -> list[ModuleType]:
    root = importlib.import_module(package)
    below = pkgutil.iter_modules(root.__path__, f"{package}.")
    return [root, *(importlib.import_module(module.name) for module in below)]


FOUND = list(constraints())


@pytest.mark.parametrize(
    ("service", "constraint", "values"), FOUND, ids=[name for _, name, _ in FOUND]
)
def test_a_constraint_lists_what_an_enum_has(
    service: str, constraint: str, values: frozenset[str]
) -> None:
    enums = enums_of(service).values()
    if constraint in NARROWER:
        assert any(values < enum for enum in enums)
    else:
        assert values in enums


def test_every_service_is_looked_at() -> None:
    assert {service for service, _, _ in FOUND} == {p.name for p in SERVICES}
    assert {name for _, name, _ in FOUND} >= NARROWER
