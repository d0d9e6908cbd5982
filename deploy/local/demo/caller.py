"""Somebody of the demo who is logged in to the public API, and patient with it."""

import asyncio
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

import aiohttp
from aiohttp import JsonPayload
from pydantic import JsonValue

from deploy.local.demo.company import Login
from deploy.local.faults import CannotStart

API = "/api/v1"
#: Events may still be on their way just after the start.
PATIENCE_SECONDS = 30
PAUSE_SECONDS = 0.2
COME_BACK = {
    HTTPStatus.CONFLICT,  # the step was begun by a run that was cut short
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}

Json = dict[str, JsonValue]
#: Makes the body of a request, anew each time it is sent.
Content = Callable[[], JsonPayload | aiohttp.FormData]


class Caller:
    """A person with a token; each `step` is an effect that happens once."""

    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        self._session = session
        self._token = token

    @classmethod
    async def log_in(cls, session: aiohttp.ClientSession, login: Login) -> "Caller":
        body: Json = {"email": login.email, "password": login.password}
        answer = await _send(session, "POST", "/sessions", {}, _json(body))
        return cls(session, str(answer["access_token"]))

    async def post(self, path: str, step: str, body: Json) -> Json:
        return await self._ask("POST", path, step, _json(body))

    async def put(self, path: str, body: Json) -> Json:
        headers = {"Authorization": f"Bearer {self._token}"}
        return await _send(self._session, "PUT", path, headers, _json(body))

    async def upload(self, name: str, content: bytes, step: str) -> str:
        """Upload a file; return its id."""

        def form() -> aiohttp.FormData:
            fields = aiohttp.FormData()
            fields.add_field("file", content, filename=name)
            return fields

        return str((await self._ask("POST", "/attachments", step, form))["id"])

    async def _ask(self, method: str, path: str, step: str, content: Content) -> Json:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Idempotency-Key": f"demo-history-{step}",
        }
        return await _send(self._session, method, path, headers, content)


def _json(body: Json) -> Content:
    return lambda: JsonPayload(body)


async def _send(
    session: aiohttp.ClientSession,
    method: str,
    path: str,
    headers: Mapping[str, str],
    content: Content,
) -> Json:
    """Send a request, and again while the answer is to come back later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        async with session.request(
            method, API + path, headers=headers, data=content()
        ) as answer:
            if answer.ok:
                return await answer.json()
            status, text = HTTPStatus(answer.status), await answer.text()
        if status not in COME_BACK or time.monotonic() > deadline:
            raise CannotStart(f"the demo's {path} was answered {status}: {text}")
        await asyncio.sleep(PAUSE_SECONDS)
