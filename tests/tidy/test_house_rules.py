"""House rules that linters can't state."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.events import REGISTRY
from contracts.subscriptions import SUBSCRIPTIONS

ROOT = Path(__file__).resolve().parents[2]
CODE = ("chassis", "contracts", "services", "gateway", "deploy")
ROOMS = {
    "__init__", "__main__", "app", "settings", "api", "consumers", "jobs", "workflows",
    "commands", "providers", "store", "domain", "checks", "measures", "seed",
    "migrations", "templates", "schema", "README",
}  # fmt: skip
BUSINESS_NOUNS = (
    "invoice", "payment", "ticket", "billing", "refund", "product", "department",
    "mailbox", "ledger", "news",
)  # fmt: skip
SERVICES = [path.parent for path in sorted((ROOT / "services").glob("*/app.py"))]
MAXIMUM_FUNCTION_LINES = 40
MAXIMUM_MODULE_LINES = 400


def modules() -> Iterator[Path]:
    for package in CODE:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


@pytest.mark.parametrize("path", list(modules()), ids=name)
def test_modules_and_functions_are_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAXIMUM_MODULE_LINES
    long = [
        f"{node.name} has {_body_lines(node)} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and _body_lines(node) > MAXIMUM_FUNCTION_LINES
    ]
    assert long == []


@pytest.mark.parametrize("service", SERVICES, ids=name)
def test_a_service_has_only_known_rooms(service: Path) -> None:
    rooms = {path.name.split(".")[0] for path in service.iterdir()} - {"__pycache__"}
    assert rooms <= ROOMS
    assert {"README", "app", "api", "store", "migrations", "schema"} <= rooms


def test_the_chassis_knows_no_business_noun() -> None:
    found = [
        f"{name(path)}: {noun}"
        for path in (ROOT / "chassis").rglob("*.py")
        for noun in BUSINESS_NOUNS
        if re.search(rf"\b{noun}s?\b", _without_strings(path), re.IGNORECASE)
    ]
    assert found == []


def _without_strings(path: Path) -> str:
    """Docstrings may give examples; names may not."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]
    names += [n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)]
    names += [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    return " ".join(names).replace("_", " ")


@pytest.mark.parametrize(
    "folder",
    [ROOT / "chassis/sql", *sorted((ROOT / "services").glob("*/migrations"))],
    ids=name,
)
def test_migrations_are_numbered_without_gaps(folder: Path) -> None:
    numbers = [int(path.name[:4]) for path in sorted(folder.glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def test_every_event_has_a_reader_or_is_known_to_have_none() -> None:
    read = {event.TYPE for events in SUBSCRIPTIONS.values() for event in events}
    assert read <= set(REGISTRY)
    assert set(REGISTRY) - read == {
        # Heard by the gateways, each as long as it lives.
        "accounts.session.ended.v1",
        "billing.payment.cancelled.v1",
    }


def test_the_tree_has_no_leftovers() -> None:
    words = re.compile(r"#\s*(TODO|FIXME|XXX)\b|\bNotImplementedError\b|\bbreakpoint\(")
    found = [
        name(path)
        for folder in (*CODE, "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
        if path != Path(__file__) and words.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
