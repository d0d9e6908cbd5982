"""The errors that cross a process's edge, and the HTTP status each one becomes.

DomainError
├── Unreadable          400  the request could not be parsed
├── NotAuthenticated    401  no token, or a bad one
├── NotAllowed          403  a right is missing
├── NotFound            404  not there, or not yours
├── Conflict            409  the state forbids it
├── TooLarge            413
├── UnsupportedMedia    415
├── RuleViolated        422  a field or a rule; names the field and the limit
├── TooManyRequests     429  with Retry-After
└── Unavailable         503  with Retry-After

A service's own errors are facts that derive from one of these. The first line of the
docstring is the title that clients see; the class name is the problem's `type`. What
happened this time is told by a template and its values, so that clients can say it in
any language: `raise CreditTooLow("the credit is {credit}", credit=balance)`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Self, TypeAlias, Union
from uuid import UUID

if TYPE_CHECKING:
    from chassis.money import Money  # which raises errors, so it comes after them

#: What a template may hold; customers' own words only ever come in as values.
Value: TypeAlias = Union[str, int, UUID, date, "Money", Sequence[str]]


@dataclass(frozen=True, slots=True)
class Text:
    """English words with names in braces where the values go."""

    template: str
    values: Mapping[str, Value]

    def __str__(self) -> str:
        shown = {name: _in_english(value) for name, value in self.values.items()}
        return self.template.format_map(shown)


def _in_english(value: Value) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, str) or not isinstance(value, Sequence):
        return str(value)
    return ", ".join(value) or "none"


class FieldError:
    """One field's fault: `field` is a dotted path, the text names the limit."""

    def __init__(self, field: str, template: str, /, **values: Value) -> None:
        self.field = field
        self.text = Text(template, values)

    @property
    def message(self) -> str:
        return str(self.text)


class BadValue(ValueError):
    """What a model's own validator finds wrong with a value."""

    def __init__(self, template: str, /, **values: Value) -> None:
        self.text = Text(template, values)
        super().__init__(str(self.text))


class DomainError(Exception):
    """Something went wrong."""

    status = 500

    def __init__(
        self, template: str = "", /, *, field: str | None = None, **values: Value
    ) -> None:
        self.text = Text(template or self.title(), values)
        self.detail = str(self.text)
        self.errors: tuple[FieldError, ...] = ()
        if field:
            self.errors = (FieldError(field, self.text.template, **values),)
        super().__init__(self.detail)

    def __str__(self) -> str:
        return self.detail

    @classmethod
    def title(cls) -> str:
        """Return the docstring's first line, without its full stop."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")


class Unreadable(DomainError):
    """The request could not be read."""

    status = 400


class NotAuthenticated(DomainError):
    """A valid access token is needed."""

    status = 401


class NotAllowed(DomainError):
    """You don't have the right to do this."""

    status = 403


class NotFound(DomainError):
    """There is no such thing here."""

    status = 404


class Conflict(DomainError):
    """The current state doesn't allow this."""

    status = 409


class TooLarge(DomainError):
    """The request is too large."""

    status = 413


class UnsupportedMedia(DomainError):
    """The content type is not accepted here."""

    status = 415


class RuleViolated(DomainError):
    """The request breaks a rule."""

    status = 422

    def __init__(
        self,
        template: str = "",
        /,
        *,
        field: str | None = None,
        errors: Sequence[FieldError] = (),
        **values: Value,
    ) -> None:
        super().__init__(template, field=field, **values)
        self.errors = tuple(errors) or self.errors

    @classmethod
    def of(cls, errors: Sequence[FieldError]) -> Self:
        """Return the problem that these are; its detail is the first of them."""
        problem = cls(errors=errors)
        problem.detail = f"{errors[0].field} {errors[0].message}"
        return problem


class _TryLater(DomainError):
    def __init__(
        self,
        template: str = "",
        /,
        *,
        field: str | None = None,
        retry_after_seconds: int = 1,
        **values: Value,
    ) -> None:
        super().__init__(template, field=field, **values)
        self.retry_after_seconds = retry_after_seconds


class TooManyRequests(_TryLater):
    """Too many requests; try again later."""

    status = 429


class Unavailable(_TryLater):
    """A part that is needed is not available; try again shortly."""

    status = 503
