"""The services as the gateway's own pages call them: the same routes as clients use."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import TypeVar
from uuid import UUID

from aiohttp import ClientError, ClientResponse, FormData, web
from pydantic import BaseModel, ValidationError
from yarl import URL

from chassis.client import UpstreamAway, carried_headers
from chassis.http import UploadedFile
from chassis.http.models import Problem
from gateway.patience import patience, seconds_left
from gateway.prefixes import SLOW_PATHS, owner_of
from gateway.settings import Settings
from gateway.upstream import CHUNK_BYTES, Sending, Upstream

API = "/api/v1"
#: A page waits so long, and no longer, for what it can do without.
PATIENCE_SECONDS = 3.0
#: How long to wait, again and again, for a repeat's first request to be answered.
STILL_RUNNING_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
#: What a service says of a file; the browser is to keep it, whatever it holds.
FILE_HEADERS = ("Content-Type", "Content-Disposition")
_JSON = {"Content-Type": "application/json"}

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

Body = Mapping[str, object]
Parameter = str | int | bool | UUID | date | None


class Refused(Exception):
    """A service answered that it won't: `problem` says why, as clients read it."""

    def __init__(self, problem: Problem, *, retry_after: int | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.status = problem.status
        self.retry_after = retry_after

    @property
    def kind(self) -> str:
        """The name of the error, such as `InvoiceNotOpen`."""
        return self.problem.type.rpartition("#")[2]

    @property
    def still_running(self) -> bool:
        """Whether the same, with the same key, is being done at this moment."""
        return self.kind == "StillRunning"


class Services:
    """Calls the service that owns a path; anything but an answer is UpstreamAway."""

    def __init__(self, settings: Settings, upstream: Upstream) -> None:
        self._upstream = upstream
        self._seconds = settings.page_timeout_seconds

    def caller(self, token: str | None, language: str) -> "Caller":
        """Return the services as somebody sees them; without a token, as a visitor."""
        headers = {"Accept-Language": language}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return Caller(self, headers)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Body | None = None,
        form: Callable[[], FormData] | None = None,
        query: Mapping[str, Parameter] | None = None,
        service: str | None = None,
    ) -> bytes:
        """Return the answer's body, or raise Refused or UpstreamAway.

        `path` is given without `/api/v1`; with `service`, which has routes for other
        processes too, it is the whole path. `form` makes the form for each attempt.
        """
        slow_seconds = SLOW_PATHS.get(path.lstrip("/"))
        headers = {**carried_headers(), **headers}
        sending = Sending(
            method=method,
            headers=headers if body is None else {**headers, **_JSON},
            total_seconds=slow_seconds or seconds_left(self._seconds),
            body=form if body is None else partial(_encoded, body),
        )
        owner, target = _target(path, service, query or {})
        async with self._upstream.call(owner, target, sending) as answer:
            return await _content(answer)

    @asynccontextmanager
    async def open_file(
        self, path: str, *, headers: Mapping[str, str]
    ) -> AsyncGenerator[ClientResponse]:
        """Yield a file's answer as it begins, or raise Refused or UpstreamAway."""
        sending = Sending(
            method="GET",
            headers={**carried_headers(), **headers},
            # However long a slow line takes: what must not stop is the flow.
            idle_seconds=self._seconds,
        )
        owner, target = _target(path, None, {})
        async with self._upstream.call(owner, target, sending) as answer:
            if answer.status >= HTTPStatus.BAD_REQUEST:
                await _content(answer)
            yield answer


class Caller:
    """The services on behalf of one person, or of a visitor."""

    def __init__(self, services: Services, headers: Mapping[str, str]) -> None:
        self._services = services
        self._headers = headers

    async def get(self, path: str, model: type[M], **query: Parameter) -> M:
        content = await self._services.ask(
            "GET", path, headers=self._headers, query=query
        )
        return read(content, model)

    async def post(
        self, path: str, model: type[M], body: Body, *, key: str | None = None
    ) -> M:
        """Return what was made; `key` makes a repeat get the same answer."""
        return read(await self.act("POST", path, body, key=key), model)

    async def patch(self, path: str, model: type[M], body: Body) -> M:
        return read(await self.act("PATCH", path, body), model)

    async def put(self, path: str, model: type[M], body: Body) -> M:
        return read(await self.act("PUT", path, body), model)

    async def act(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        key: str | None = None,
    ) -> bytes:
        """Do something whose answer is no matter.

        Who presses a button twice gets the first one's answer, also while it runs.
        """
        headers = self._keyed(key) if key else self._headers
        return await _patiently(
            lambda: self._services.ask(method, path, headers=headers, body=body)
        )

    async def upload(
        self, path: str, model: type[M], file: UploadedFile, *, key: str
    ) -> M:
        def form() -> FormData:
            # Names stay readable, as browsers send them.
            form = FormData(quote_fields=False)
            form.add_field(
                "file",
                BytesIO(file.content),
                filename=file.name,
                content_type=file.media_type,
            )
            return form

        answer = await _patiently(
            lambda: self._services.ask(
                "POST", path, headers=self._keyed(key), form=form
            )
        )
        return read(answer, model)

    def _keyed(self, key: str) -> Mapping[str, str]:
        return {**self._headers, "Idempotency-Key": key}

    async def download(self, path: str, request: web.Request) -> web.StreamResponse:
        """Pass a file on to the browser as it comes: to be kept, never shown."""
        async with self._services.open_file(path, headers=self._headers) as answer:
            response = web.StreamResponse(headers={"Cache-Control": "no-store"})
            for name in FILE_HEADERS:
                response.headers[name] = answer.headers[name]
            response.content_length = answer.content_length
            await response.prepare(request)
            if request.method == "GET":
                await _pour(answer, response)
            await response.write_eof()
            return response


async def _pour(answer: ClientResponse, response: web.StreamResponse) -> None:
    try:
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            await response.write(chunk)
    except (ClientError, TimeoutError) as error:
        # The status is sent already: a cut connection tells that the rest is missing.
        raise ConnectionResetError from error


async def _patiently(send: Callable[[], Awaitable[bytes]]) -> bytes:
    """Wait while the same is being done already, as after a second click."""
    for seconds in STILL_RUNNING_SECONDS:
        try:
            return await send()
        except Refused as refusal:
            if not refusal.still_running:
                raise
        await asyncio.sleep(seconds)
    return await send()


async def if_there(call: Awaitable[T]) -> T | None:
    """Return what a page can do without: it stands, whatever became of this."""
    try:
        with patience(PATIENCE_SECONDS):
            return await call
    except (Refused, UpstreamAway):
        return None


def read(content: bytes, model: type[M]) -> M:
    """Read an answer; a service that is a release ahead may say more than we know."""
    try:
        return model.model_validate_json(content, extra="ignore")
    except ValidationError as error:
        raise UpstreamAway from error


async def _content(answer: ClientResponse) -> bytes:
    content = await answer.read()
    if answer.status < HTTPStatus.BAD_REQUEST:
        return content
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UpstreamAway
    seconds = answer.headers.get("Retry-After", "")
    raise Refused(
        read(content, Problem), retry_after=int(seconds) if seconds.isdigit() else None
    )


def _target(
    path: str, service: str | None, query: Mapping[str, Parameter]
) -> tuple[str, str]:
    """Return who is asked, and for what: the path with its query."""
    owner = service or owner_of(path.lstrip("/"))
    if owner is None:
        raise LookupError(f"no service owns {path}")
    url = URL(path if service else API + path).update_query(_parameters(query))
    return owner, url.raw_path_qs


def _encoded(body: Body) -> bytes:
    return json.dumps(body).encode()


def _parameters(query: Mapping[str, Parameter]) -> dict[str, str]:
    """Return the query without what isn't given; booleans as JSON has them."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in query.items()
        if value is not None
    }
