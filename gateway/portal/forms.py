"""Forms: what was typed, what was wrong with it, and the key that makes it count once.

A field has the name that the API gives it (`address.line1`), so that a refusal finds
its field by itself.
"""

import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote
from uuid import UUID

from chassis.client import UpstreamAway
from chassis.ids import uuid7
from gateway.portal.languages import gettext
from gateway.portal.refusals import explain_fields, explain_refusal
from gateway.services import Refused

T = TypeVar("T")

#: Hidden in every form: proves that the form is ours, and makes a repeat harmless.
CSRF_FIELD = "_csrf"
KEY_FIELD = "_key"
#: Says who was signed in at its page; nobody else gets to see what was typed.
USER_FIELD = "_user"
VISITOR = "visitor"
#: Which files came with an earlier try.
KEPT_FIELD = "kept"
#: Never given back in a page: they are asked for again.
SECRETS = frozenset({"password", "current_password", "totp_code", "token"})

_KEY = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that came with a form: kept under an id, or refused with a sentence."""

    name: str
    size: int = 0
    id: UUID | None = None
    fault: str = ""

    @property
    def kept_as(self) -> str:
        """The file as its form brings it back, under KEPT_FIELD."""
        return f"{self.id}/{self.size}/{quote(self.name)}"


@dataclass(slots=True)
class Form:
    """One form: empty, filled in, or refused."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict[str, list[str]])
    files: Sequence[SentFile] = ()
    key: str = field(default_factory=lambda: str(uuid7()))
    #: By field, each a sentence; "" has those about the whole.
    errors: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    status: int = HTTPStatus.OK
    #: Whether somebody sent it; else it is as they find it, and nothing can be lost.
    is_sent: bool = False

    @classmethod
    def filled(cls, **values: str | None) -> "Form":
        """Return a form as the visitor finds it; `__` in a name stands for a dot."""
        return cls(
            {
                name.replace("__", "."): [value]
                for name, value in values.items()
                if value is not None
            }
        )

    @classmethod
    def posted(
        cls, values: Mapping[str, Sequence[str]], files: Sequence[SentFile] = ()
    ) -> "Form":
        """Return a form as it was sent."""
        made = cls(values, files, is_sent=True)
        key = made[KEY_FIELD]
        if _KEY.fullmatch(key):
            made.key = key
        return made

    def __getitem__(self, name: str) -> str:
        """Return what was typed, or an empty text."""
        typed = self.values.get(name)
        return typed[-1] if typed else ""

    def all(self, name: str) -> Sequence[str]:
        """Return all that was chosen where several may be."""
        return self.values.get(name, ())

    def has(self, name: str, value: str = "on") -> bool:
        """Tell whether a box is ticked, or an option chosen."""
        return value in self.all(name)

    def body(self, *names: str) -> dict[str, object]:
        """Return the fields as the API takes them: dots nest, empty ones stay out."""
        body: dict[str, object] = {}
        for name in names:
            if self[name].strip():
                _nest(body, name.split("."), self[name])
        return body

    @property
    def is_refused(self) -> bool:
        return bool(self.errors)

    def refuse(self, message: str, *, field: str = "") -> None:
        """Add a sentence about a field, or about the whole."""
        self.errors.setdefault(field, []).append(message)
        self.status = max(self.status, HTTPStatus.UNPROCESSABLE_ENTITY)

    def faults(self, name: str) -> Sequence[str]:
        return self.errors.get(name, ())

    def general_faults(self) -> Iterable[str]:
        """Return what is wrong with the whole, or with fields that the form lacks."""
        for name, messages in self.errors.items():
            if name not in self.values:
                yield from messages

    async def send(self, call: Awaitable[T]) -> T | None:
        """Return the API's answer; None means refused, and the form knows why."""
        try:
            return await call
        except Refused as refusal:
            self._learn(refusal)
        except UpstreamAway:
            # The same key goes out again, so that a repeat of what did arrive is none.
            self.refuse(_away() if self.is_sent else _unknown())
            self.status = HTTPStatus.SERVICE_UNAVAILABLE
        return None

    def _learn(self, refusal: Refused) -> None:
        if refusal.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            # Not the form's fault: its page asks for a log-in or says what is missing.
            raise refusal
        if refusal.still_running and SECRETS.isdisjoint(self.values):
            # The form as it came leads on to what becomes of it, once that is known.
            raise refusal
        if refusal.kind == "KeyReused":
            self.key = str(uuid7())
            self.refuse(
                gettext(
                    "This form was already sent once, with other contents. If you "
                    "want to send it again as it is now, press the button once more."
                )
            )
            return
        for name, message in explain_fields(refusal.problem):
            self.refuse(message, field=name)
        if not self.errors:
            self.refuse(explain_refusal(refusal))
        self.status = refusal.status


def _away() -> str:
    return gettext(
        "We couldn't finish this right now. Nothing you typed is lost: please send it "
        "again in a moment."
    )


def _unknown() -> str:
    return gettext(
        "We couldn't work this out right now. Please load the page again in a moment."
    )


def _nest(body: dict[str, object], path: Sequence[str], value: str) -> None:
    *parents, last = path
    for parent in parents:
        inner = body.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise TypeError(f"{parent} is a field and a group")
        body = inner  # pyright: ignore[reportUnknownVariableType] - made above
    body[last] = value
