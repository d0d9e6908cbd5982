"""Who waits for whom is as the contract says: watermarks go there, nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

from contracts.subscriptions import SUBSCRIPTIONS, WAITING

ROOT = Path(__file__).parents[3]


def test_who_waits_gets_watermarks_and_nobody_else_does() -> None:
    declared = {
        (reader, producer)
        for producer, readers in WAITING.items()
        for reader in readers
    }
    assert declared == set(waits())


def test_who_waits_reads_what_is_waited_for() -> None:
    for producer, readers in WAITING.items():
        for reader in readers:
            owners = {event.TYPE.split(".")[0] for event in SUBSCRIPTIONS[reader]}
            assert producer in owners


def waits() -> Iterator[tuple[str, str]]:
    """Return each service whose requests wait, and for whose events."""
    for file in (ROOT / "services").glob("*/**/*.py"):
        service = file.relative_to(ROOT / "services").parts[0]
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and is_wait(node.func):
                [producer] = [word.value for word in node.keywords if word.arg == "of"]
                assert isinstance(producer, ast.Constant), ast.unparse(node)
                yield service, str(producer.value)


def is_wait(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "wait_for"
        and ast.unparse(function.value) == "call"
    )
