"""Invariants as checks: queries that find nothing once the system is quiet."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chassis.db import Transaction


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How many things were looked at, and one line for each that is wrong."""

    checked: int
    violations: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Check:
    """A named claim about one process's data; `run` only reads."""

    name: str
    run: Callable[[Transaction], Awaitable[CheckResult]]
