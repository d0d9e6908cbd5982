"""The application of one process: its routes behind the middlewares they share."""

import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler

from chassis.clock import Clock
from chassis.db import Database
from chassis.http.call import Surroundings
from chassis.http.dispatch import handler_of
from chassis.http.observing import Network, label, observing
from chassis.http.openapi import document_of
from chassis.http.problems import problems
from chassis.http.reader import MAXIMUM_BODY_BYTES, readable_headers
from chassis.http.routes import Routes, all_routes
from chassis.resources import Resources
from chassis.tokens import TokenVerifier


def build_app(
    *,
    name: str,
    routes: Sequence[Routes],
    resources: Resources,
    verifier: TokenVerifier,
    clock: Clock,
    database: Database | None = None,
    behind_gateway: bool = True,
    trusted_proxies: Collection[Network] = (),
) -> web.Application:
    """Return the application; raises MisdeclaredRoute before anything is served."""
    surroundings = Surroundings(resources=resources, clock=clock, database=database)
    app = web.Application(
        middlewares=[
            observing(behind_gateway=behind_gateway, trusted_proxies=trusted_proxies),
            problems,
            readable_headers,
        ],
        client_max_size=MAXIMUM_BODY_BYTES,
    )
    app.on_response_prepare.append(label)
    declared = all_routes(routes)
    # A path with fixed parts goes before one that could swallow them.
    for route in sorted(declared, key=lambda route: route.path.replace("{", "\x7f")):
        handler = handler_of(route, surroundings, verifier)
        if route.method == "GET":
            app.router.add_get(route.path, handler)  # HEAD too
        else:
            app.router.add_route(route.method, route.path, handler)
    app.router.add_get("/openapi.json", _answering(document_of(routes, title=name)))
    app.cleanup_ctx.append(_beside(verifier))
    return app


def _answering(document: dict[str, object]) -> Handler:
    content = json.dumps(document, ensure_ascii=False).encode()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=content, content_type="application/json")

    return answer


def _beside(
    verifier: TokenVerifier,
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Keep the verifier's keys fresh while the application is served."""

    async def run(_app: web.Application) -> AsyncIterator[None]:
        async with verifier.running():
            yield

    return run
