"""What deploy/observability asks for: expressions, and the metrics in them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy/observability"
RUNBOOKS = ROOT / "docs/runbooks"
DASHBOARDS = sorted((FOLDER / "grafana/dashboards").glob("*.json"))
RULES = sorted((FOLDER / "alerts").glob("*.yml"))

Json = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """One expression, and whose it is."""

    owner: str
    expression: str

    @property
    def parsed(self) -> Any:
        # Grafana puts its own interval in before it asks.
        return promql.parse(self.expression.replace("$__rate_interval", "1m"))


@dataclass(frozen=True)
class Selected:
    """A metric that an expression reads, and the labels that it speaks of."""

    metric: str
    labels: frozenset[str]
    #: Over a time, as `rate` does, instead of as it is.
    over_time: bool = False


def alerts() -> list[Json]:
    return [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


def panels() -> list[tuple[str, Json]]:
    """Return every panel, with what to call it."""
    return [
        (f"{path.stem}: {panel['title']}", panel)
        for path in DASHBOARDS
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
    ]


def queries() -> list[Query]:
    return [
        *(Query(f"alert {rule['alert']}", rule["expr"]) for rule in alerts()),
        *(
            Query(name, target["expr"])
            for name, panel in panels()
            for target in panel["targets"]
        ),
    ]


def selected(node: Any) -> Iterator[Selected]:
    """Yield what a parsed expression reads, with the labels by which it is grouped."""
    yield from _selected(node, frozenset())


def _selected(node: Any, grouping: frozenset[str]) -> Iterator[Selected]:
    match node:
        case promql.VectorSelector():
            named = {matcher.name for matcher in node.matchers.matchers}
            yield Selected(str(node.name), grouping | named)
        case promql.MatrixSelector():
            for asked in _selected(node.vector_selector, grouping):
                yield replace(asked, over_time=True)
        case promql.AggregateExpr():
            by = frozenset(node.modifier.labels) if node.modifier else frozenset[str]()
            yield from _selected(node.expr, grouping | by)
        case promql.Call():
            made = _made_by(node)
            for argument in node.args:
                yield from _selected(argument, grouping - made)
        case promql.BinaryExpr():
            yield from _selected(node.lhs, grouping)
            yield from _selected(node.rhs, grouping)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from _selected(node.expr, grouping)
        case _:
            assert isinstance(node, promql.NumberLiteral | promql.StringLiteral)


def _made_by(call: Any) -> frozenset[str]:
    """Return the label that the call itself makes, as `label_replace` does."""
    if call.func.name != "label_replace":
        return frozenset()
    return frozenset({call.args[1].val})
