"""What a bench finds: figures, each beside its limit, and the table of all."""

from collections.abc import Sequence
from dataclasses import dataclass

#: Below this, a decimal place tells something.
PRECISE_BELOW = 100


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


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| # | what | figure | limit | ratio | target | reached |",
        "|---|---|---|---|---|---|---|",
    ]
    for figure in figures:
        limit = _number(figure.limit, figure.unit)
        ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else "-"
        lines.append(
            f"| {figure.row} | {figure.what} | {_number(figure.value, figure.unit)} "
            f"| {limit} | {ratio} | {figure.target} "
            f"| {'yes' if figure.holds else 'no'} |"
        )
    return "\n".join(lines)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    digits = 0 if value >= PRECISE_BELOW else 1
    return f"{value:,.{digits}f} {unit}"
