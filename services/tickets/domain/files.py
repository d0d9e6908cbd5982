"""Which files may travel with a message, and what they really are."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import filetype

from chassis.errors import RuleViolated
from services.tickets.domain.people import Author, AuthorKind

MAXIMUM_SIZE: Final = 10 * 1024 * 1024
MAXIMUM_NAME_LENGTH: Final = 150

#: Bytes that text never holds: control characters other than tab, line ends, page
#: break and escape, which logs use for colour.
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")


class FileRefused(RuleViolated):
    """The file can't be accepted."""


class AttachmentState(StrEnum):
    """Receiving until its bytes are stored, discarded until they are removed."""

    RECEIVING = "receiving"
    STORED = "stored"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind we accept.

    `contents` are the names that detection may give to its bytes; none of them means
    text. `part` is the folder that an office document holds.
    """

    media_type: str
    contents: frozenset[str] = frozenset()
    part: bytes = b""

    def fits(self, content: bytes) -> bool:
        """Whether these bytes are of this kind."""
        if not self.contents:
            return _NOT_TEXT.search(content) is None
        return _detect(content) in self.contents and self.part in content


_JPEG = FileKind("image/jpeg", frozenset({"jpg"}))
_TEXT = FileKind("text/plain")
_OFFICE = "application/vnd.openxmlformats-officedocument"
_ZIPS = frozenset({"zip", "docx", "xlsx", "pptx", "odt", "ods", "odp"})

#: File name extension → kind.
KINDS: Final[dict[str, FileKind]] = {
    "png": FileKind("image/png", frozenset({"png", "apng"})),
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "gif": FileKind("image/gif", frozenset({"gif"})),
    "webp": FileKind("image/webp", frozenset({"webp"})),
    "heic": FileKind("image/heic", frozenset({"heic"})),
    "pdf": FileKind("application/pdf", frozenset({"pdf"})),
    "txt": _TEXT,
    "log": _TEXT,
    "csv": FileKind("text/csv"),
    "zip": FileKind("application/zip", _ZIPS),
    "gz": FileKind("application/gzip", frozenset({"gz"})),
    "docx": FileKind(
        f"{_OFFICE}.wordprocessingml.document", frozenset({"docx", "zip"}), b"word/"
    ),
    "xlsx": FileKind(
        f"{_OFFICE}.spreadsheetml.sheet", frozenset({"xlsx", "zip"}), b"xl/"
    ),
    "odt": FileKind("application/vnd.oasis.opendocument.text", frozenset({"odt"})),
    "ods": FileKind(
        "application/vnd.oasis.opendocument.spreadsheet", frozenset({"ods"})
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that was sent, or waits to be sent, with a message."""

    id: UUID
    customer_id: UUID | None
    uploader_kind: AuthorKind
    uploader_id: UUID
    state: AttachmentState
    name: str
    media_type: str
    size: int
    sha256: str
    uploaded_at: datetime
    message_id: UUID | None

    def may_be_sent_by(self, author: Author, *, customer_id: UUID | None) -> bool:
        """Whether it waits, and is the customer's, or the staff member's own."""
        if self.state is not AttachmentState.STORED or self.message_id is not None:
            return False
        if author.kind is AuthorKind.CUSTOMER:
            return self.customer_id is not None and self.customer_id == customer_id
        return self.customer_id is None and self.uploader_id == author.id


def examine_file(
    attachment_id: UUID,
    name: str,
    content: bytes,
    *,
    customer_id: UUID | None,
    uploader_kind: AuthorKind,
    uploader_id: UUID,
    now: datetime,
) -> Attachment:
    """Return what is about to be stored, or refuse it; until then nobody sees it."""
    name = clean_name(name)
    return Attachment(
        id=attachment_id,
        customer_id=customer_id,
        uploader_kind=uploader_kind,
        uploader_id=uploader_id,
        state=AttachmentState.RECEIVING,
        name=name,
        media_type=accept_file(name, content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_at=now,
        message_id=None,
    )


def clean_name(name: str) -> str:
    """Return the bare file name: no folders, nothing invisible; refuse what is left."""
    bare = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(c for c in bare if unicodedata.category(c)[0] != "C").strip()
    if not visible.strip("."):
        raise FileRefused("the file needs a name", field="file")
    if len(visible) > MAXIMUM_NAME_LENGTH:
        raise FileRefused(
            "the name must have at most {limit} characters",
            limit=MAXIMUM_NAME_LENGTH,
            field="file",
        )
    return visible


def accept_file(name: str, content: bytes) -> str:
    """Return the media type of a file whose name, size and content we accept."""
    if not content:
        raise FileRefused("the file is empty", field="file")
    if len(content) > MAXIMUM_SIZE:
        raise FileRefused("the file may have at most 10 MiB", field="file")
    extension = name.rpartition(".")[2].lower()
    kind = KINDS.get(extension) if "." in name else None
    if kind is None:
        raise FileRefused(
            "must be one of {extensions}", extensions=sorted(KINDS), field="file"
        )
    if not kind.fits(content):
        raise FileRefused(
            "the content is not what .{extension} says; must be one of {extensions}",
            extension=extension,
            extensions=sorted(KINDS),
            field="file",
        )
    return kind.media_type


def _detect(content: bytes) -> str | None:
    """Return the detected kind's name, or None for text and unknown bytes."""
    found: object = filetype.guess_extension(content)  # pyright: ignore[reportUnknownMemberType] - the library has no type hints
    return found if isinstance(found, str) else None
