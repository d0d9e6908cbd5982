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
docstring is the title that clients see; the class name is the problem's `type`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field's fault: `field` is a dotted path, `message` names the limit."""

    field: str
    message: str


class DomainError(Exception):
    """Something went wrong."""

    status = 500

    def __init__(self, detail: str = "", *, field: str | None = None) -> None:
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.errors: tuple[FieldError, ...] = (
            (FieldError(field, self.detail),) if field else ()
        )

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
        detail: str = "",
        *,
        field: str | None = None,
        errors: tuple[FieldError, ...] = (),
    ) -> None:
        super().__init__(detail, field=field)
        self.errors = errors or self.errors


class _TryLater(DomainError):
    def __init__(self, detail: str = "", *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class TooManyRequests(_TryLater):
    """Too many requests; try again later."""

    status = 429


class Unavailable(_TryLater):
    """A part that is needed is not available; try again shortly."""

    status = 503
