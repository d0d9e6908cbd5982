"""Files from multipart forms: one named field, bounded, read into memory."""

import asyncio
import re
from dataclasses import dataclass

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from chassis.errors import RuleViolated, Unreadable, UnsupportedMedia
from chassis.http.reader import BodyTooSlow, check_text, require_uncompressed, too_large

#: No progress for this long, and the client is taken to be gone.
STALL_SECONDS = 10.0
MAXIMUM_NAME_CHARACTERS = 255
UNKNOWN_MEDIA_TYPE = "application/octet-stream"

_MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9.+_-]{1,100}", re.ASCII)
#: Boundaries and part headers around the file.
_ENVELOPE_BYTES = 64 * 1024


class NotMultipart(UnsupportedMedia):
    """The file must be sent as multipart/form-data."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file as the client named it; name and type are claims, not facts."""

    name: str
    media_type: str
    content: bytes


async def read_file(request: web.Request, field: str, *, limit: int) -> UploadedFile:
    """Read the file in `field`, which must be the form's only part."""
    if request.content_type != "multipart/form-data":
        raise NotMultipart(
            "{given} is not multipart/form-data", given=request.content_type
        )
    require_uncompressed(request)
    if (request.content_length or 0) > limit + _ENVELOPE_BYTES:
        raise too_large(limit)
    try:
        return await _read_form(await request.multipart(), field, limit)
    except TimeoutError:
        raise BodyTooSlow from None
    # All that aiohttp's multipart parser was seen to raise for what is none.
    except (
        ValueError,
        LookupError,
        AssertionError,
        HttpProcessingError,
        web.RequestPayloadError,
    ):
        raise Unreadable("the form is not valid multipart/form-data") from None


async def _read_form(form: MultipartReader, field: str, limit: int) -> UploadedFile:
    part = await _next_part(form)
    if part is None or part.name != field or part.filename is None:
        raise RuleViolated(
            "a file is needed in the field {name}", name=field, field=field
        )
    file = UploadedFile(
        name=_name(part.filename, field),
        media_type=_media_type(part.headers.get("Content-Type", "")),
        content=await _content(part, limit),
    )
    if await _next_part(form) is not None:
        raise RuleViolated("one file at a time, and no other field", field=field)
    return file


async def _next_part(form: MultipartReader) -> BodyPartReader | None:
    async with asyncio.timeout(STALL_SECONDS):
        part = await form.next()
    if part is not None and not isinstance(part, BodyPartReader):
        raise Unreadable("a form within a form is not accepted")
    return part


async def _content(part: BodyPartReader, limit: int) -> bytes:
    content = bytearray()
    while True:
        async with asyncio.timeout(STALL_SECONDS):
            chunk = await part.read_chunk(64 * 1024)
        if not chunk:
            return bytes(content)
        content += chunk
        if len(content) > limit:
            raise too_large(limit)


def _media_type(header: str) -> str:
    essence = header.partition(";")[0].strip().lower()
    return essence if _MEDIA_TYPE.fullmatch(essence) else UNKNOWN_MEDIA_TYPE


def _name(name: str, field: str) -> str:
    check_text(iter([(field, name)]))
    # Some browsers send the whole path.
    base = name.replace("\\", "/").rpartition("/")[2]
    if not 1 <= len(base) <= MAXIMUM_NAME_CHARACTERS:
        raise RuleViolated(
            "the file's name must have 1 to {limit} characters",
            limit=MAXIMUM_NAME_CHARACTERS,
            field=field,
        )
    return base
