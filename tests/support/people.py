"""People who talk to a process over HTTP, and what it answers them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiohttp import ClientSession

from chassis.http import Principal
from tests.support.tokens import bearer


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read; `body` is its JSON, or None."""

    status: int
    body: Any
    headers: Mapping[str, str]
    content: bytes

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        faults: list[dict[str, str]] = self.body.get("errors") or []
        return [fault["field"] for fault in faults]

    @property
    def problem(self) -> str:
        """The kind of a problem: the name of its class."""
        return self.body["type"].rpartition("#")[2]


async def ask(
    http: ClientSession,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    **options: Any,
) -> Answer:
    """Send a request to the API and read the answer; a `json` of None is no body."""
    if options.get("json", 0) is None:
        del options["json"]
    path = path if path.startswith(("/.", "/internal/")) else f"/api/v1{path}"
    async with http.request(method, path, headers=headers, **options) as response:
        content = await response.read()
        is_json = content and "json" in response.content_type
        body = json.loads(content) if is_json else None
        return Answer(response.status, body, response.headers, content)


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    principal: Principal
    http: ClientSession

    @property
    def customer_id(self) -> UUID:
        assert self.principal.customer_id is not None
        return self.principal.customer_id

    async def get(self, path: str, **query: str) -> Answer:
        return await self.ask("GET", path, params=query)

    async def post(
        self, path: str, body: object = None, *, key: str | None = None
    ) -> Answer:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.ask("POST", path, headers=headers, json=body)

    async def put(self, path: str, body: object) -> Answer:
        return await self.ask("PUT", path, json=body)

    async def patch(self, path: str, body: object) -> Answer:
        return await self.ask("PATCH", path, json=body)

    async def delete(self, path: str) -> Answer:
        return await self.ask("DELETE", path)

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        sent = {**bearer(self.principal), **(headers or {})}
        return await ask(self.http, method, path, headers=sent, **options)
