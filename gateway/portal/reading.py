"""Reading posted forms: bounded, and nothing in them that couldn't be stored."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from chassis.errors import Unreadable
from chassis.http import MAXIMUM_BODY_BYTES, UploadedFile, too_large
from gateway.portal.formats import file_size
from gateway.portal.forms import Form, SentFile
from gateway.portal.languages import gettext

#: Takes a file over as soon as it has arrived, with what its form said until then; so
#: a form with many files never holds more than one.
Take = Callable[[UploadedFile, Form], Awaitable[SentFile]]

MAXIMUM_FIELDS = 200
MAXIMUM_FILES = 10
#: So many that are too many are named; whoever chose still more knows by then.
MAXIMUM_NAMED = 10
#: What comes after so many is read away unseen: looking at each costs time.
MAXIMUM_PARTS = 1000
MAXIMUM_FILE_BYTES = 10 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
#: Ten files and the text around them; and as much again, so that files that are too
#: large are read away, and their form can be shown with what was typed into it.
MAXIMUM_UPLOAD_BYTES = 2 * MAXIMUM_FILES * MAXIMUM_FILE_BYTES + MAXIMUM_BODY_BYTES
READ_SECONDS = 10.0
#: A hundred MiB over a home's line.
UPLOAD_SECONDS = 240.0
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class BadForm(Unreadable):
    """The form could not be read."""


async def read_form(
    request: web.Request, take: Take | None, *, has_files: bool
) -> Form:
    """Return what was posted, or raise BadForm or TooLarge.

    `has_files` tells whether the page's form has any; without `take` nobody wants them
    from this person, and they are read away, so that what was typed isn't lost.
    """
    is_upload = request.content_type == "multipart/form-data"
    limit = MAXIMUM_UPLOAD_BYTES if is_upload and has_files else MAXIMUM_BODY_BYTES
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    try:
        async with asyncio.timeout(UPLOAD_SECONDS if has_files else READ_SECONDS):
            if is_upload:
                return await _Upload(take, limit).read(request)
            return await _read_urlencoded(request)
    except web.HTTPRequestEntityTooLarge:
        raise too_large(limit) from None
    # All that aiohttp's multipart parser was seen to raise for what is none.
    except (
        ValueError,
        LookupError,
        AssertionError,
        HttpProcessingError,
        web.RequestPayloadError,
    ):
        raise BadForm from None
    except TimeoutError:
        raise BadForm("the form took too long to arrive") from None


async def _read_urlencoded(request: web.Request) -> Form:
    text = (await request.read()).decode()
    pairs = parse_qsl(
        text,
        keep_blank_values=True,
        errors="strict",
        max_num_fields=MAXIMUM_FIELDS,
    )
    return Form.posted(_grouped(pairs))


class _Upload:
    """A form with files, while it arrives."""

    def __init__(self, take: Take | None, limit: int) -> None:
        self._take = take
        self._limit = limit
        self._fields: list[tuple[str, str]] = []
        self._files: list[SentFile] = []
        self._file_fields: set[str] = set()
        self._parts = 0
        self._arrived = 0
        self._text = 0

    async def read(self, request: web.Request) -> Form:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise BadForm
            self._parts += 1
            if self._parts > MAXIMUM_PARTS:
                await self._read_away(request)
                break
            await self._read_part(part, part.name)
        # Where a file could be chosen is a field of the form, even without any.
        chosen: dict[str, list[str]] = {name: [] for name in self._file_fields}
        return Form.posted({**chosen, **_grouped(self._fields)}, self._files)

    async def _read_part(self, part: BodyPartReader, name: str) -> None:
        _check_storable(name)
        if part.filename is None:
            await self._read_field(part, name)
            return
        self._file_fields.add(name)
        if part.filename:
            await self._read_file(part, part.filename)

    async def _read_away(self, request: web.Request) -> None:
        """Let the rest come in, so that the browser listens to the answer."""
        async for chunk in request.content.iter_any():
            self._count(chunk)

    async def _read_field(self, part: BodyPartReader, name: str) -> None:
        if len(self._fields) >= MAXIMUM_FIELDS:
            raise BadForm("a form has at most {limit} fields", limit=MAXIMUM_FIELDS)
        content = await self._content(part, limit=MAXIMUM_BODY_BYTES)
        self._text += len(content)
        if self._text > MAXIMUM_BODY_BYTES:
            raise too_large(MAXIMUM_BODY_BYTES)
        self._fields.append((name, content.decode()))

    async def _read_file(self, part: BodyPartReader, path: str) -> None:
        name = path.replace("\\", "/").rpartition("/")[2]
        _check_storable(name)
        is_wanted = self._take is not None and len(self._files) < MAXIMUM_FILES
        limit = MAXIMUM_FILE_BYTES if is_wanted else 0
        content = await self._content(part, limit=limit)
        if self._take is None:
            return
        if len(self._files) >= MAXIMUM_FILES:
            if len(self._files) < MAXIMUM_FILES + MAXIMUM_NAMED:
                self._files.append(SentFile(name, fault=_too_many()))
        elif len(content) > MAXIMUM_FILE_BYTES:
            self._files.append(SentFile(name, fault=_too_big()))
        else:
            media_type = part.headers.get("Content-Type", "application/octet-stream")
            file = UploadedFile(name, media_type, content)
            until_now = Form.posted(_grouped(self._fields))
            self._files.append(await self._take(file, until_now))

    async def _content(self, part: BodyPartReader, *, limit: int) -> bytes:
        """Return the content, or its first byte over the limit with all before it."""
        content = bytearray()
        while chunk := await part.read_chunk(CHUNK_BYTES):
            self._count(chunk)
            content += chunk[: limit + 1 - len(content)]
        return bytes(content)

    def _count(self, chunk: bytes) -> None:
        self._arrived += len(chunk)
        if self._arrived > self._limit:
            raise too_large(self._limit)


def _too_big() -> str:
    return gettext("has more than %(limit)s, the most that a file may have") % {
        "limit": file_size(MAXIMUM_FILE_BYTES)
    }


def _too_many() -> str:
    return gettext("is one too many: up to %(limit)s files can be sent at once") % {
        "limit": MAXIMUM_FILES
    }


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        _check_storable(name + value)
        # Browsers send line ends as CR LF, whatever was typed.
        grouped.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return grouped


def is_storable(text: str) -> bool:
    return _UNSTORABLE.search(text) is None


def _check_storable(text: str) -> None:
    if not is_storable(text):
        raise BadForm("the form holds characters that can't be stored")
