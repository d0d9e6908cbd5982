"""A received mail: its bytes, read tolerantly; nothing a sender writes breaks it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.utils import getaddresses, parsedate_to_datetime
from functools import cached_property
from html import unescape

SNIPPET_CHARACTERS = 200
#: What the standard library raises for headers and bodies that break the rules.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True)
class Address:
    name: str
    address: str


@dataclass(frozen=True)
class Part:
    """A file within a mail, shown inside its text or attached to it."""

    id: str
    name: str
    content_type: str
    content_id: str
    inline: bool
    content: bytes


@dataclass
class Mail:
    """One mail as it came: the envelope, and the message in bytes."""

    id: str
    received_at: datetime
    sender: str
    recipients: list[str]
    raw: bytes
    read: bool = field(default=False, compare=False)

    @cached_property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @cached_property
    def subject(self) -> str:
        return self.header("Subject")

    @cached_property
    def message_id(self) -> str:
        return self.header("Message-ID").strip("<> ")

    @cached_property
    def from_(self) -> Address:
        return next(iter(self.addresses("From")), Address("", self.sender))

    @cached_property
    def bcc(self) -> list[Address]:
        """The recipients that the message itself doesn't name."""
        named = {each.address.lower() for each in self.addresses("To", "Cc")}
        hidden = [each for each in self.recipients if each.lower() not in named]
        return [Address("", each) for each in hidden]

    @cached_property
    def date(self) -> datetime:
        try:
            sent = parsedate_to_datetime(self.header("Date"))
        except MALFORMED:
            return self.received_at
        return sent if sent.tzinfo else sent.replace(tzinfo=self.received_at.tzinfo)

    @cached_property
    def text(self) -> str:
        return self._body("plain")

    @cached_property
    def html(self) -> str:
        return self._body("html")

    @cached_property
    def parts(self) -> list[Part]:
        """The files, each numbered by its place among all of the mail's leaves."""
        bodies = {id(self._find_body(kind)) for kind in ("plain", "html")}
        leaves = [part for part in self.message.walk() if not part.is_multipart()]
        return [
            _part(str(number), leaf)
            for number, leaf in enumerate(leaves, start=1)
            if id(leaf) not in bodies
        ]

    @cached_property
    def snippet(self) -> str:
        words = (self.text or _plain(self.html)).split()
        return " ".join(words)[:SNIPPET_CHARACTERS]

    @cached_property
    def words(self) -> str:
        """Everything a person might search for, lower-case."""
        found = (self.subject, self.text or _plain(self.html), self.from_.name)
        return "\n".join((*found, self.sender, *self.recipients)).lower()

    def header(self, name: str) -> str:
        try:
            return str(self.message.get(name, ""))
        except MALFORMED:
            return _raw_header(self.raw, name)

    def headers(self) -> Iterator[tuple[str, str]]:
        """Yield every header as it was sent, undecoded where it is malformed."""
        plain = message_from_bytes(self.raw, policy=policy.compat32)
        for name in dict.fromkeys(plain.keys()):
            for value in plain.get_all(name, []):
                yield name, str(value)

    def addresses(self, *names: str) -> list[Address]:
        values = [self.header(name) for name in names]
        return [Address(name, at) for name, at in getaddresses(values) if at]

    def _find_body(self, kind: str) -> MIMEPart | None:
        try:
            return self.message.get_body((kind,))
        except MALFORMED:
            return None

    def _body(self, kind: str) -> str:
        body = self._find_body(kind)
        return "" if body is None else _text(body)


def _text(part: MIMEPart) -> str:
    try:
        return part.get_content()
    except MALFORMED:  # an unknown character set, say
        return _content(part).decode("utf-8", "replace")


def _content(part: MIMEPart) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _part(number: str, leaf: MIMEPart) -> Part:
    content_id = str(leaf.get("Content-ID", "")).strip("<> ")
    return Part(
        id=number,
        name=leaf.get_filename() or f"part-{number}",
        content_type=leaf.get_content_type(),
        content_id=content_id,
        inline=bool(content_id) and leaf.get_content_disposition() != "attachment",
        content=_content(leaf),
    )


def _plain(html: str) -> str:
    unseen = r"(?is)<(head|style|script)\b.*?</\1>|<[^>]*>"
    return unescape(re.sub(unseen, " ", html))


def _raw_header(raw: bytes, name: str) -> str:
    found = re.search(rb"(?im)^" + name.encode() + rb":[ \t]*(.*)$", raw)
    return found[1].decode("utf-8", "replace").strip() if found else ""
