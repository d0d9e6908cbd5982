"""Reading posted forms: bounded, and nothing in them that couldn't be stored."""

import asyncio
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from chassis.errors import Unreadable
from chassis.http import MAXIMUM_BODY_BYTES, UploadedFile, too_large
from gateway.portal.forms import Form

MAXIMUM_FIELDS = 200
MAXIMUM_FILES = 10
MAXIMUM_FILE_BYTES = 10 * 1024 * 1024
READ_SECONDS = 30.0
#: Ten files and the text around them.
MAXIMUM_UPLOAD_BYTES = MAXIMUM_FILES * MAXIMUM_FILE_BYTES + MAXIMUM_BODY_BYTES
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class BadForm(Unreadable):
    """The form could not be read."""


async def read_form(request: web.Request) -> Form:
    """Return what was posted, or raise BadForm or TooLarge."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            if request.content_type == "multipart/form-data":
                return await _read_multipart(request)
            return await _read_urlencoded(request)
    except (ValueError, LookupError, AssertionError, web.RequestPayloadError):
        raise BadForm from None
    except TimeoutError:
        raise BadForm("the form took too long to arrive") from None


async def _read_urlencoded(request: web.Request) -> Form:
    if (request.content_length or 0) > MAXIMUM_BODY_BYTES:
        raise too_large(MAXIMUM_BODY_BYTES)
    text = (await request.read()).decode()
    pairs = parse_qsl(
        text,
        keep_blank_values=True,
        errors="strict",
        max_num_fields=MAXIMUM_FIELDS,
    )
    return Form.posted(_grouped(pairs))


async def _read_multipart(request: web.Request) -> Form:
    if (request.content_length or 0) > MAXIMUM_UPLOAD_BYTES:
        raise too_large(MAXIMUM_UPLOAD_BYTES)
    pairs: list[tuple[str, str]] = []
    files: list[UploadedFile] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise BadForm
        if len(pairs) + len(files) >= MAXIMUM_FIELDS:
            raise BadForm(f"a form has at most {MAXIMUM_FIELDS} fields")
        if part.filename is None:
            content = await _content(part, MAXIMUM_BODY_BYTES)
            pairs.append((part.name, content.decode()))
        elif part.filename:
            files.append(await _file(part))
    return Form.posted(_grouped(pairs), files)


async def _file(part: BodyPartReader) -> UploadedFile:
    """Read a file up to a byte more than is allowed: its service tells the limit."""
    return UploadedFile(
        name=(part.filename or "").replace("\\", "/").rpartition("/")[2],
        media_type=part.headers.get("Content-Type", "application/octet-stream"),
        content=await _content(part, MAXIMUM_FILE_BYTES + 1, cut=True),
    )


async def _content(part: BodyPartReader, limit: int, *, cut: bool = False) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        if len(content) < limit:
            content += chunk
        elif not cut:
            raise too_large(limit)
    return bytes(content[:limit])


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        if _UNSTORABLE.search(name + value):
            raise BadForm("the form holds characters that can't be stored")
        # Browsers send line ends as CR LF, whatever was typed.
        grouped.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return grouped
