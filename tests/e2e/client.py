"""A client of the public API, as a mobile app would be; knows nothing of the inside."""

import asyncio
import base64
import calendar
import io
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self
from uuid import uuid4

import aiohttp

Json = dict[str, Any]
#: Name, content, media type.
File = tuple[str, bytes, str]

#: A restarted process is back well before this.
PATIENCE_SECONDS = 90.0
POLL_SECONDS = 0.1


class Refused(AssertionError):
    """The API answered with another status than expected."""

    def __init__(self, what: str, status: int, problem: Any) -> None:
        super().__init__(f"{what} → {status}: {problem}")
        self.status = status
        self.problem = problem


@dataclass
class Api:
    """Calls the gateway; every POST carries a key, so that it may be repeated."""

    http: aiohttp.ClientSession
    url: str
    token: str | None = None
    #: Repeat a call that finds a process away or busy, with the same key, until it is
    #: there.
    patient: bool = False
    headers: dict[str, str] = field(default_factory=dict[str, str])

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        expect: int | None = None,
        key: str | None = None,
        file: File | None = None,
    ) -> Any:
        """Return the answer's JSON, or raise Refused unless the status is expected."""
        status, answer = await self.try_call(method, path, body, key=key, file=file)
        wanted = (expect,) if expect else (200, 201, 202, 204)
        if status not in wanted:
            raise Refused(f"{method} {path}", status, answer)
        return answer

    async def try_call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        file: File | None = None,
    ) -> tuple[int, Any]:
        headers = dict(self.headers)
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if method == "POST":
            headers["Idempotency-Key"] = key or str(uuid4())
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                status, answer = await self._once(method, path, body, headers, file)
            except (aiohttp.ClientError, TimeoutError):
                if not self._may_wait(deadline):
                    raise
            else:
                away = status in (409, 503) and "Retry-After" in answer[1]
                if not (away and self._may_wait(deadline)):
                    return status, answer[0]
            await asyncio.sleep(POLL_SECONDS)

    async def _once(
        self,
        method: str,
        path: str,
        body: object,
        headers: dict[str, str],
        file: File | None,
    ) -> tuple[int, tuple[Any, dict[str, str]]]:
        form = _form(file) if file else None
        async with self.http.request(
            method,
            f"{self.url}/api/v1{path}",
            json=body if form is None else None,
            data=form,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=60),
        ) as answer:
            content = await answer.read()
            is_json = "json" in answer.content_type
            read = await answer.json() if content and is_json else content
            return answer.status, (read, dict(answer.headers))

    def _may_wait(self, deadline: float) -> bool:
        return self.patient and asyncio.get_running_loop().time() < deadline

    def bearing(self, token: str) -> Self:
        """Return the same client, signed in."""
        return type(self)(self.http, self.url, token, self.patient, self.headers)

    async def get(self, path: str, **options: Any) -> Any:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: object = None, **options: Any) -> Any:
        return await self.call("POST", path, body, **options)

    async def log_in(self, email: str, password: str) -> Self:
        session = await self.post("/sessions", {"email": email, "password": password})
        return self.bearing(session["access_token"])

    async def upload(self, name: str, content: bytes, media_type: str) -> Json:
        file = (name, content, media_type)
        return await self.call("POST", "/attachments", file=file)


def _form(file: File) -> aiohttp.FormData:
    name, content, media_type = file
    form = aiohttp.FormData()
    # aiohttp warns of large bytes: they would be sent in one go.
    form.add_field("file", io.BytesIO(content), filename=name, content_type=media_type)
    return form


@dataclass
class Mailbox:
    """The local mailbox, asked as one asks Mailpit."""

    http: aiohttp.ClientSession
    url: str

    async def sent_to(self, email: str) -> list[Json]:
        """Return the mails to this address, oldest first."""
        async with self.http.get(
            f"{self.url}/api/v1/search", params={"query": f"to:{email}", "limit": "200"}
        ) as answer:
            found = await answer.json()
        return list(reversed(found["messages"]))

    async def wait_for(self, email: str, subject: str) -> Json:
        """Return the mail to this address whose subject contains the text."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for mail in await self.sent_to(email):
                    if re.search(subject, mail["Subject"], re.IGNORECASE):
                        return await self.read(mail["ID"])
                await asyncio.sleep(POLL_SECONDS)

    async def read(self, id_: str) -> Json:
        async with self.http.get(f"{self.url}/api/v1/message/{id_}") as answer:
            return await answer.json()


def link_token(mail: Json) -> str:
    """Return the secret in a mail's link."""
    found = re.search(r"[?&]token=([\w.~-]+)", mail["Text"])
    assert found, mail["Text"]
    return found[1]


#: The smallest PNG there is: one pixel.
PROOF = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)


def new_email() -> str:
    return f"customer-{uuid4().hex[:12]}@example.com"


async def until(probe: Any, *, what: str) -> Any:
    """Poll until the probe returns something true, bounded."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := await probe()):
                await asyncio.sleep(POLL_SECONDS)
            return found
    except TimeoutError:
        raise AssertionError(f"never happened: {what}") from None


def month_after(day: date) -> date:
    """Return the same day of the next month, or its last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
