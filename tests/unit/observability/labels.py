"""Which labels the series of an expression's result have."""

from collections.abc import Mapping
from typing import Any

import promql_parser as promql

Known = Mapping[str, frozenset[str]]

NONE = frozenset[str]()
#: Choose among series, and leave them as they are.
CHOOSING = ("topk", "bottomk", "limitk", "limit_ratio")


def labels_of(node: Any, known: Known) -> frozenset[str]:
    """Return the labels that all series of the result have."""
    match node:
        case promql.VectorSelector():
            return known[str(node.name)]
        case promql.AggregateExpr():
            return _of_aggregate(node, known)
        case promql.Call():
            return _of_call(node, known)
        case promql.BinaryExpr():
            return _of_binary(node, known)
        case (
            promql.MatrixSelector(vector_selector=inner)
            | promql.ParenExpr(expr=inner)
            | promql.UnaryExpr(expr=inner)
            | promql.SubqueryExpr(expr=inner)
        ):
            return labels_of(inner, known)
        case _:
            return NONE


def _of_aggregate(node: Any, known: Known) -> frozenset[str]:
    inner = labels_of(node.expr, known)
    if str(node.op) in CHOOSING:
        return inner
    if node.modifier is None:
        return NONE
    named = frozenset(node.modifier.labels)
    without = node.modifier.type == promql.AggModifierType.Without
    return inner - named if without else inner & named


def _of_call(node: Any, known: Known) -> frozenset[str]:
    inner = NONE.union(*(labels_of(argument, known) for argument in node.args))
    match node.func.name:
        case "histogram_quantile":
            return inner - {"le"}
        case "label_replace":
            return inner | {node.args[1].val}
        case "absent":
            [selector] = node.args
            return frozenset(
                matcher.name
                for matcher in selector.matchers.matchers
                if matcher.op == promql.MatchOp.Equal
            )
        case _:
            return inner


def _of_binary(node: Any, known: Known) -> frozenset[str]:
    # Joins with labels of the other side's are written nowhere here.
    assert node.modifier is None or node.modifier.matching is None
    left, right = labels_of(node.lhs, known), labels_of(node.rhs, known)
    if str(node.op) == "or":
        return left & right
    return left or right
