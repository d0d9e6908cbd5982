"""Posted forms: read in bounds, files handed on one by one, typed text never lost."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from io import BytesIO
from uuid import UUID

import pytest
from aiohttp import FormData, MultipartWriter, web
from aiohttp.test_utils import TestClient, TestServer

from chassis.errors import DomainError
from chassis.http import MAXIMUM_BODY_BYTES, UploadedFile
from chassis.ids import uuid7
from gateway.portal.forms import Form, SentFile
from gateway.portal.reading import (
    MAXIMUM_FIELDS,
    MAXIMUM_FILE_BYTES,
    MAXIMUM_PARTS,
    MAXIMUM_UPLOAD_BYTES,
    read_form,
)

KEY = "01a20857-d0ce-7668-b49a-d8de07994f6f"
SECONDS = 60.0
POLL_SECONDS = 0.01
FILE_BEGINS = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'


@dataclass
class Desk:
    """A page whose form is read; knows what was read and which files were taken."""

    has_files: bool = True
    wants_files: bool = True
    form: Form | None = None
    taken: list[tuple[UploadedFile, str]] = field(
        default_factory=list[tuple[UploadedFile, str]]
    )

    async def take(self, file: UploadedFile, until_now: Form) -> SentFile:
        self.taken.append((file, until_now.key))
        return SentFile(file.name, len(file.content), uuid7())

    async def answer(self, request: web.Request) -> web.Response:
        try:
            self.form = await read_form(
                request,
                self.take if self.wants_files else None,
                has_files=self.has_files,
            )
        except DomainError as error:
            return web.Response(status=error.status)
        return web.Response()

    @property
    def read(self) -> Form:
        assert self.form is not None
        return self.form


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(
    desk: Desk,
) -> AsyncGenerator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    app.router.add_post("/", desk.answer)
    async with TestClient(TestServer(app)) as client:
        yield client


Client = TestClient[web.Request, web.Application]


def a_form(*files: tuple[str, bytes], message: str = "Hello") -> FormData:
    form = FormData(quote_fields=False)
    form.add_field("_key", KEY)
    for name, content in files:
        # aiohttp warns of large bytes: they would be sent in one go.
        form.add_field(
            "files", BytesIO(content), filename=name, content_type="image/png"
        )
    form.add_field("message", message)
    return form


async def test_text_and_files_arrive_with_their_form_s_key(
    client: Client, desk: Desk
) -> None:
    await client.post("/", data=a_form(("é 100%.png", b"one"), ("two.png", b"two")))
    assert desk.read["message"] == "Hello"
    assert [(file.name, file.content, key) for file, key in desk.taken] == [
        ("é 100%.png", b"one", KEY),
        ("two.png", b"two", KEY),
    ]
    assert [file.name for file in desk.read.files] == ["é 100%.png", "two.png"]


async def test_a_file_is_handed_on_before_the_next_one_has_arrived(
    client: Client, desk: Desk
) -> None:
    head = b'Content-Disposition: form-data; name="files"; filename='

    async def parts() -> AsyncIterator[bytes]:
        yield b"--b\r\n" + head + b'"one.png"\r\n\r\nfirst\r\n--b\r\n'
        yield head + b'"two.png"\r\n\r\n'
        async with asyncio.timeout(SECONDS):
            while not desk.taken:
                yield b"."
                await asyncio.sleep(POLL_SECONDS)
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await client.post("/", data=parts(), headers=headers)
    assert answer.status == 200
    assert [file.name for file, _ in desk.taken] == ["one.png", "two.png"]


async def test_a_file_that_is_too_large_costs_neither_text_nor_other_files(
    client: Client, desk: Desk
) -> None:
    large = b"x" * (MAXIMUM_FILE_BYTES + 1)
    await client.post("/", data=a_form(("large.png", large), ("good.png", b"good")))
    assert desk.read["message"] == "Hello"
    assert [file.name for file, _ in desk.taken] == ["good.png"]
    refused, good = desk.read.files
    assert refused.fault == "has more than 10 MB, the most that a file may have"
    assert isinstance(good.id, UUID)


async def test_a_file_of_exactly_the_limit_is_taken(client: Client, desk: Desk) -> None:
    await client.post("/", data=a_form(("full.png", b"x" * MAXIMUM_FILE_BYTES)))
    assert [len(file.content) for file, _ in desk.taken] == [MAXIMUM_FILE_BYTES]


async def test_the_eleventh_file_is_refused_by_its_name(
    client: Client, desk: Desk
) -> None:
    await client.post("/", data=a_form(*((f"{n}.png", b"x") for n in range(11))))
    assert len(desk.taken) == 10
    assert [file.name for file in desk.read.files if file.fault] == ["10.png"]


@pytest.mark.parametrize("number", [MAXIMUM_FIELDS + 1, MAXIMUM_PARTS + 1])
async def test_however_many_files_come_the_text_is_kept(
    client: Client, desk: Desk, number: int
) -> None:
    form = FormData({"message": "Hello"})
    for n in range(number):
        form.add_field("files", BytesIO(b"x"), filename=f"{n}.png")
    answer = await client.post("/", data=form)
    assert answer.status == 200
    assert desk.read["message"] == "Hello"
    assert len(desk.taken) == 10
    refused = [file.name for file in desk.read.files if file.fault]
    assert refused == [f"{n}.png" for n in range(10, 20)]


async def test_nobody_s_files_are_held_and_the_text_is_kept(
    client: Client, desk: Desk
) -> None:
    desk.wants_files = False
    await client.post("/", data=a_form(("one.png", b"x" * MAXIMUM_FILE_BYTES)))
    assert desk.read["message"] == "Hello"
    assert desk.read.files == []


async def test_a_field_for_files_belongs_to_the_form_without_any(
    client: Client, desk: Desk
) -> None:
    await client.post("/", data=a_form(("", b"")))
    assert desk.taken == []
    assert desk.read.all("files") == []


async def test_a_body_that_hides_its_size_ends_at_the_limit(
    client: Client, desk: Desk
) -> None:
    chunk = b"x" * (1024 * 1024)

    async def endless() -> AsyncIterator[bytes]:
        yield FILE_BEGINS
        for _ in range(2 * MAXIMUM_UPLOAD_BYTES // len(chunk)):
            yield chunk

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    desk.wants_files = False
    try:
        answer = await client.post("/", data=endless(), headers=headers)
    except ConnectionError:
        pass  # The answer came, and the end, while we were still sending.
    else:
        assert answer.status == 413
    assert desk.form is None


async def test_a_page_without_files_reads_none_away(client: Client, desk: Desk) -> None:
    desk.has_files = desk.wants_files = False
    form = FormData({"message": "typed", "f": BytesIO(b"x" * MAXIMUM_BODY_BYTES)})
    answer = await client.post("/", data=form)
    assert answer.status == 413

    async def hides_its_size() -> AsyncIterator[bytes]:
        for part in (FILE_BEGINS, *[b"x" * (MAXIMUM_BODY_BYTES // 2)] * 3):
            yield part

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await client.post("/", data=hides_its_size(), headers=headers)
    assert answer.status == 413
    assert desk.form is None


async def test_a_page_without_files_takes_a_small_form_of_either_kind(
    client: Client, desk: Desk
) -> None:
    desk.has_files = desk.wants_files = False
    form = FormData({"message": "typed", "f": BytesIO(b"x")})
    assert (await client.post("/", data=form)).status == 200
    assert desk.read["message"] == "typed"


async def test_text_has_the_same_limit_with_files_as_without(
    client: Client, desk: Desk
) -> None:
    with MultipartWriter("form-data") as form:
        for _ in range(3):
            part = form.append("x" * (MAXIMUM_BODY_BYTES // 2))
            part.set_content_disposition("form-data", name="message")
        answer = await client.post("/", data=form)
    assert answer.status == 413
    assert desk.form is None


@pytest.mark.parametrize("name", ["zero\0.png", "half \ud800.png"])
async def test_a_name_that_can_t_be_stored_is_no_form(
    client: Client, desk: Desk, name: str
) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="'
    body = head + name.encode("utf-8", "surrogatepass") + b'"\r\n\r\nx\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await client.post("/", data=body, headers=headers)
    assert answer.status == 400
    assert desk.taken == []
