"""What benches find: figures, each beside its limit, and the table of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

#: Below this, a decimal place tells something.
PRECISE_BELOW = 100
#: What a table has room for of an error's words.
MAXIMUM_REASON_CHARACTERS = 150

_HEAD = (
    "| # | what | figure | limit | ratio | target | reached |",
    "|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Figure:
    """One line of the table; `limit` is the same work without us, in the same run."""

    row: str
    what: str
    value: float
    unit: str
    target: str
    holds: bool
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.limit if self.limit else None

    @property
    def line(self) -> str:
        limit = _number(self.limit, self.unit)
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else "-"
        return (
            f"| {self.row} | {self.what} | {_number(self.value, self.unit)} "
            f"| {limit} | {ratio} | {self.target} | {'yes' if self.holds else 'no'} |"
        )


@dataclass(frozen=True)
class Failure:
    """The line of a bench that came to no figures."""

    row: str
    bench: str
    error: BaseException

    @property
    def line(self) -> str:
        return f"| {self.row} | `{self.bench}` failed: {self._reason} |" + " - |" * 5

    @property
    def _reason(self) -> str:
        """The first cause, on one line of the table."""
        error = self.error
        while isinstance(error, BaseExceptionGroup):
            error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return words[:MAXIMUM_REASON_CHARACTERS].replace("|", "¦")


def table(lines: Sequence[Figure | Failure]) -> str:
    """Return them as a Markdown table."""
    return "\n".join((*_HEAD, *(each.line for each in lines)))


def progress(step: str) -> None:
    """Tell whoever waits that a bench goes on."""
    print(f"  {step}", flush=True)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    digits = 0 if value >= PRECISE_BELOW else 1
    return f"{value:,.{digits}f} {unit}"
