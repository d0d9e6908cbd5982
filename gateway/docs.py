"""The documentation: routes (OpenAPI, with Swagger UI), events (AsyncAPI), problems."""

from pathlib import Path
from typing import Any

from aiohttp import web

from gateway.documents import Documents

DOCUMENT_PATH = "/api/v1/openapi.json"
PAGE_PATH = "/api/docs"
ASSETS_PATH = "/api/docs/assets"

_HERE = Path(__file__).parent / "assets"
_SWAGGER = _HERE / "node_modules" / "swagger-ui-dist"
_SHOWN = {
    "swagger-ui.css": _SWAGGER,
    "swagger-ui-bundle.js": _SWAGGER,
    "favicon-32x32.png": _SWAGGER,
    "docs.js": _HERE,
    "docs.css": _HERE,
}
#: Pages and documents that are generated: `make generated`.
_GENERATED = {
    "/api/docs/problems": "problems.html",
    "/api/docs/events": "events.html",
    "/api/docs/asyncapi.json": "asyncapi.json",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Client Area API</title>
<link rel="icon" href="/api/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/api/docs/assets/swagger-ui.css">
</head>
<body>
<nav aria-label="Documentation"><a href="/api/docs/events">Events</a>
<a href="/api/docs/problems">Problems</a></nav>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; the document itself is at
<a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</noscript>
<script src="/api/docs/assets/swagger-ui-bundle.js"></script>
<script src="/api/docs/assets/docs.js"></script>
</body>
</html>
"""


def add_docs(app: web.Application, documents: Documents, own: dict[str, Any]) -> None:
    """Serve the document, the page and what the page needs."""

    async def show_document(_request: web.Request) -> web.Response:
        return web.json_response(await documents.merged(own))

    async def show_page(_request: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html")

    async def show_generated(request: web.Request) -> web.FileResponse:
        return web.FileResponse(_HERE / _GENERATED[request.path])

    async def show_asset(request: web.Request) -> web.FileResponse:
        name = request.match_info["name"]
        if name not in _SHOWN or not (_SHOWN[name] / name).is_file():
            raise web.HTTPNotFound
        headers = {"Cache-Control": "public, max-age=86400"}
        return web.FileResponse(_SHOWN[name] / name, headers=headers)

    app.router.add_get(DOCUMENT_PATH, show_document)
    app.router.add_get(PAGE_PATH, show_page)
    for path in _GENERATED:
        app.router.add_get(path, show_generated)
    app.router.add_get(ASSETS_PATH + "/{name}", show_asset)
