"""The services' OpenAPI documents, merged into one for clients."""

import asyncio
import json
import re
from typing import Any

import structlog
from pydantic import BaseModel

from chassis.client import UpstreamAway
from gateway.prefixes import owner_of
from gateway.upstream import Sending, Upstream

API_PREFIX = "/api/v1/"
#: A document is asked for again after this long.
REFRESH_SECONDS = 30.0
FETCH_SECONDS = 3.0

Document = dict[str, Any]

_SCHEMA = re.compile(r'"#/components/schemas/([^"]+)"')

log = structlog.get_logger("documents")


class Documents:
    """Keeps each service's last good document, so that one being down hides nothing."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._kept: dict[str, Document] = {}
        self._fresh_until = 0.0
        self._lock = asyncio.Lock()

    async def merged(self, own: Document) -> Document:
        """Return the whole API: the gateway's own operations and the services'."""
        await self._refresh()
        return merge(own, self._kept)

    async def _refresh(self) -> None:
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now < self._fresh_until:
                return
            fetched = await asyncio.gather(*map(self._fetch, self._upstream.names))
            if all(fetched):
                self._fresh_until = now + REFRESH_SECONDS

    async def _fetch(self, service: str) -> bool:
        sending = Sending(method="GET", headers={}, total_seconds=FETCH_SECONDS)
        try:
            async with self._upstream.call(service, "/openapi.json", sending) as answer:
                answer.raise_for_status()
                self._kept[service] = _read(await answer.read())
        # Nonsense is no more an answer than none.
        except (UpstreamAway, ValueError) as error:
            log.warning(
                "document not fetched",
                service=service,
                reason=type(error.__cause__ or error).__name__,
            )
            return False
        return True


def merge(own: Document, services: dict[str, Document]) -> Document:
    """Add each service's public paths, and the components they use, to `own`."""
    merged = {**own, "paths": dict(own["paths"])}
    components: dict[str, dict[str, Any]] = {
        kind: dict(entries) for kind, entries in own.get("components", {}).items()
    }
    tags = list(own.get("tags", []))
    for service, document in services.items():
        merged["paths"] |= {
            path: item
            for path, item in document["paths"].items()
            if path.startswith(API_PREFIX)
            and owner_of(path.removeprefix(API_PREFIX)) == service
        }
        for kind, entries in document.get("components", {}).items():
            components.setdefault(kind, {}).update(entries)
        tags += [tag for tag in document.get("tags", []) if tag not in tags]
    merged["paths"] = dict(sorted(merged["paths"].items()))
    # What services have for each other alone isn't shown by its parts, either.
    schemas = components.pop("schemas", {})
    reached = _reached(schemas, merged["paths"], components)
    merged["components"] = {**components, "schemas": reached}
    if tags:
        merged["tags"] = [tag for tag in tags if tag["name"] in _tags_of(merged)]
    return merged


class _Operation(BaseModel):
    tags: list[str]


class _Tag(BaseModel):
    name: str


class _Shape(BaseModel):
    """What a document must be for its parts to be merged."""

    paths: dict[str, dict[str, _Operation]]
    components: dict[str, dict[str, object]] = {}
    tags: list[_Tag] = []


def _read(content: bytes) -> Document:
    """Return the document, or raise ValueError if it is none."""
    _Shape.model_validate_json(content)
    return json.loads(content)


def _reached(schemas: Document, *parts: Document) -> Document:
    """Return the schemas that these parts of a document lead to."""
    reached: Document = {}
    waiting = list(parts)
    while waiting:
        for name in _SCHEMA.findall(json.dumps(waiting.pop())):
            if name not in reached:
                reached[name] = schemas[name]
                waiting.append(schemas[name])
    return dict(sorted(reached.items()))


def _tags_of(document: Document) -> set[str]:
    return {
        tag
        for item in document["paths"].values()
        for operation in item.values()
        for tag in operation["tags"]
    }
