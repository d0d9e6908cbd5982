"""Events: what a contract declares, and the CloudEvents 1.0 envelope it travels in."""

from collections.abc import Callable
from typing import ClassVar, Self, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Event(BaseModel):
    """A fact that one process announces to the others; contracts derive from it.

    Readers ignore fields they don't know, so that contracts can grow.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Wire name and routing key, such as `billing.invoice.paid.v1`.
    TYPE: ClassVar[str]
    #: The field that holds the id of the object the event is about.
    SUBJECT: ClassVar[str]

    #: The object's version after the change.
    version: int

    @property
    def subject(self) -> UUID:
        return getattr(self, self.SUBJECT)

    @classmethod
    def aggregate(cls) -> str:
        """Return the kind of object, such as `billing.invoice`."""
        return ".".join(cls.TYPE.split(".")[:2])


E_ = TypeVar("E_", bound=type[Event])

#: Every declared event by its wire name.
REGISTRY: dict[str, type[Event]] = {}


def event(type_: str, *, subject: str) -> Callable[[E_], E_]:
    """Declare an event's wire name and the field that names its object."""

    def declare(cls: E_) -> E_:
        if type_ in REGISTRY:
            raise ValueError(f"{type_} is declared twice")
        cls.TYPE, cls.SUBJECT = type_, subject
        REGISTRY[type_] = cls
        return cls

    return declare


class Envelope(BaseModel):
    """A CloudEvents 1.0 envelope, structured mode, with our extension attributes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: str = "1.0"
    id: UUID
    type: str
    source: str
    subject: UUID
    time: AwareDatetime
    datacontenttype: str = "application/json"
    correlationid: str
    causationid: str
    version: int
    traceparent: str | None = None
    #: True for a state sent again to rebuild projections; nothing new happened.
    republished: bool = False
    data: dict[str, object]

    @classmethod
    def read(cls, body: bytes) -> Self:
        return cls.model_validate_json(body)
