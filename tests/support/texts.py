"""What problems can say, read from the source: every template, and who raises it."""

import ast
import string
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from chassis.errors import BadValue, DomainError, FieldError
from chassis.http.problems import plain_problem
from chassis.http.wording import WORDS, WORDS_BY_COUNT
from contracts.api.fields import Shape
from deploy.references import kinds_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("chassis", "contracts", "services", "gateway")
#: Where texts come from elsewhere: pydantic's kinds have a table.
WITHOUT_TEXTS = frozenset({"chassis/errors.py", "chassis/http/wording.py"})
#: The only texts that are handed on: what a `Shape` was made with.
HANDED_ON = frozenset({"self._fault"})
#: What the server itself refuses in HTTP's words; its 500 has a text of ours.
IN_HTTPS_WORDS = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.EXPECTATION_FAILED)
_NO_VALUES = frozenset({"field", "errors", "retry_after_seconds"})


@dataclass(frozen=True, slots=True)
class Site:
    """A place where a text is made: `template` is None where it is no plain text."""

    place: str
    template: str | None
    values: frozenset[str]


def sites() -> Iterator[Site]:
    """Yield every place in our code that makes an error with a text of its own."""
    positions = _positions()
    for path in _modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = dict(_constants(tree))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and _name(call.func) in positions:
                yield from _site(path, call, positions[_name(call.func)], texts)


def templates() -> frozenset[str]:
    """Return every template and title that a problem document can hold."""
    plain = [plain_problem(status, "/") for status in IN_HTTPS_WORDS]
    return frozenset(
        {HTTPStatus.INTERNAL_SERVER_ERROR.phrase}
        | {site.template for site in sites() if site.template}
        | {kind.title() for kind in _kinds()}
        | {text for problem in plain for text in (problem.title, problem.template)}
        | set(WORDS.values())
        | {text for _, *texts in WORDS_BY_COUNT.values() for text in texts}
    )


def placeholders(template: str) -> frozenset[str]:
    """Return the names in braces; each must be a name and nothing else."""
    parts = list(string.Formatter().parse(template))
    for _, name, spec, conversion in parts:
        assert name is None or (name.isidentifier() and not spec and not conversion)
    return frozenset(name for _, name, _, _ in parts if name is not None)


def _kinds() -> Iterator[type[DomainError]]:
    """Yield the product's errors: tests make some of their own."""
    for kind in (DomainError, *kinds_of(DomainError)):
        if kind.__module__.partition(".")[0] in PACKAGES:
            yield kind


def _positions() -> dict[str, int]:
    """Return at which position each class takes its template."""
    errors = {kind.__name__: 0 for kind in _kinds()}
    return errors | {
        FieldError.__name__: 1,
        BadValue.__name__: 0,
        Shape.__name__: 1,
        plain_problem.__name__: 2,
    }


def _modules() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT)
            if str(parts) not in WITHOUT_TEXTS and "node_modules" not in parts.parts:
                yield path


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = _text(node.value, {})
            if text is not None:
                yield node.targets[0].id, text


def _site(
    path: Path, call: ast.Call, position: int, texts: dict[str, str]
) -> Iterator[Site]:
    if len(call.args) > position:
        given = call.args[position]
        if ast.unparse(given) not in HANDED_ON:
            yield Site(
                place=f"{path.relative_to(ROOT)}:{call.lineno}",
                template=_text(given, texts),
                values=frozenset(word.arg or "**" for word in call.keywords).difference(
                    _NO_VALUES
                ),
            )


def _text(node: ast.expr, texts: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return texts.get(node.id)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
