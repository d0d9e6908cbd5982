"""What P3 is held against: a bare aiohttp proxy before a bare aiohttp server.

`python -m bench.bare server PORT FILE` answers every request with the file's bytes;
`python -m bench.bare proxy PORT URL` passes every request on to the URL.
"""

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import ClientSession, web

from bench.processes import running_module
from deploy.local.ports import LOOPBACK, free_ports

JSON = "application/json"
UPSTREAM: web.AppKey[ClientSession] = web.AppKey("upstream")


@asynccontextmanager
async def bare_proxy(body: bytes) -> AsyncGenerator[str]:
    """Run both as processes of their own; yields the proxy's URL."""
    server, proxy = free_ports(2)
    with TemporaryDirectory(prefix="clientarea-bench-") as folder:
        file = Path(folder) / "body.json"
        file.write_bytes(body)
        server_url, proxy_url = (
            f"http://{LOOPBACK}:{server}",
            f"http://{LOOPBACK}:{proxy}",
        )
        async with (
            running_module("bench.bare", "server", server, file, ready_url=server_url),
            running_module(
                "bench.bare", "proxy", proxy, server_url, ready_url=proxy_url
            ),
        ):
            yield proxy_url


def _server(body: bytes) -> web.Application:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=JSON)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


def _proxy(base_url: str) -> web.Application:
    async def forward(request: web.Request) -> web.Response:
        url = base_url + request.path_qs
        async with request.app[UPSTREAM].get(url, headers=request.headers) as answer:
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                content_type=answer.content_type,
            )

    async def open_session(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession() as session:
            app[UPSTREAM] = session
            yield

    app = web.Application()
    app.cleanup_ctx.append(open_session)
    app.router.add_get("/{path:.*}", forward)
    return app


def main(role: str, port: str, given: str) -> None:
    app = _server(Path(given).read_bytes()) if role == "server" else _proxy(given)
    web.run_app(app, host=LOOPBACK, port=int(port), access_log=None, print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
