"""Base classes of everything that goes over the wire."""

from collections.abc import Awaitable, Callable, Sequence, Sized
from datetime import date
from typing import Annotated, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from chassis.http.cursors import CursorValue, encode_cursor

T = TypeVar("T")
#: Of `Page.of`, which is called on the bare Page.
Item = TypeVar("Item")


class Body(BaseModel):
    """A request's JSON: exact types, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class View(BaseModel):
    """An answer's JSON: every field is always there."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_serialization_defaults_required=True
    )


class Query(BaseModel):
    """A query string: unknown parameters are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PageQuery(Query):
    """Which part of a list to show."""

    limit: Annotated[int, Field(ge=1, le=100, description="Items per page.")] = 20
    cursor: Annotated[
        str | None,
        Field(max_length=500, description="`next` of the page before."),
    ] = None
    count: Annotated[
        bool, Field(description="Whether to add `total`, the length of the whole list.")
    ] = False

    async def total(
        self, found: Sized, count: Callable[[], Awaitable[int]]
    ) -> int | None:
        """Return `total`, if wanted, of a list of which `limit` + 1 items were sought.

        A first page with nothing after it is the whole list: nobody needs to count.
        """
        if not self.count:
            return None
        if self.cursor is None and len(found) <= self.limit:
            return len(found)
        return await count()


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` leads to the following one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: list[T]
    next: str | None = None
    total: int | None = Field(
        default=None,
        description="Present with `count=true`.",
        exclude_if=lambda total: total is None,
    )

    @staticmethod
    def of(
        items: Sequence[Item],
        *,
        limit: int,
        cursor: Callable[[Item], tuple[CursorValue, ...]],
        total: int | None = None,
    ) -> "Page[Item]":
        """Make a page out of up to `limit` + 1 items: the last one proves a next."""
        shown = list(items[:limit])
        more = len(items) > limit
        following = encode_cursor(*cursor(shown[-1])) if more else None
        return Page(items=shown, next=following, total=total)


class MoneyValue(BaseModel):
    """Money in a problem's text: major units as a decimal string, ISO 4217."""

    amount: str
    currency: str


class DateValue(BaseModel):
    """A date in a problem's text."""

    date: date


ProblemValue: TypeAlias = str | int | list[str] | MoneyValue | DateValue
Template = Annotated[
    str,
    Field(
        description="For clients that speak other languages: the English text, with a "
        "name in braces, such as `{minimum}`, where each of `values` goes."
    ),
]
Values = Annotated[
    dict[str, ProblemValue],
    Field(description="What goes into `template`; people's own words are texts here."),
]


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Dotted path, such as `items.0.quantity`.")
    message: str = Field(description="English, for people.")
    template: Template
    values: Values


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="A stable address that names the kind of problem.")
    title: str = Field(description="English, the same for all problems of the type.")
    status: int
    detail: str = Field(description="English, for people.")
    template: Template
    values: Values
    instance: str
    request_id: str
    errors: list[FieldProblem] | None = Field(
        default=None,
        description="The fields at fault, with 422. Where there are several, or "
        "`detail` repeats the first, the problem's `template` is its title.",
    )
