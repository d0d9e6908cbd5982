"""What browsers are given beside pages: styles, scripts and icons, read once.

Every address carries a digest of the content, so that browsers keep it for a year and
ask anew after an upgrade.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web
from markupsafe import Markup

from chassis.settings import SettingsWrong

PREFIX = "/assets/"

_HERE = Path(__file__).parent / "static"
_FETCHED = Path(__file__).parent.parent / "assets" / "node_modules"
_ICONS = _FETCHED / "@tabler/icons/icons/outline"
_FILES = {
    "tabler.min.css": _FETCHED / "@tabler/core/dist/css/tabler.min.css",
    "portal.css": _HERE / "portal.css",
    "htmx.min.js": _FETCHED / "htmx.org/dist/htmx.min.js",
    "portal.js": _HERE / "portal.js",
    "favicon.svg": _HERE / "favicon.svg",
}
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent, and the address that names its content."""

    url: str
    plain: bytes
    packed: bytes
    media_type: str


@cache
def load(name: str) -> Asset:
    content = _FILES[name].read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(
        url=f"{PREFIX}{digest}/{name}",
        plain=content,
        packed=gzip.compress(content, mtime=0),
        media_type=_TYPES[Path(name).suffix],
    )


def asset_url(name: str) -> str:
    return load(name).url


@cache
def icon(name: str) -> Markup:
    """Return an icon for a page; it says nothing that the text beside it doesn't."""
    drawing = (_ICONS / f"{name}.svg").read_text()
    _, _, shapes = drawing.partition("<svg")
    rest = shapes.partition(">")[2]
    return Markup(  # noqa: S704 - from the icon library, never from a visitor
        '<svg class="icon" viewBox="0 0 24 24" width="24" height="24" fill="none" '
        'stroke="currentColor" stroke-width="2" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true" focusable="false">{rest.strip()}'
    )


def require_fetched() -> None:
    """Stop with one line when what browsers are given was never fetched."""
    missing = [path for path in (*_FILES.values(), _ICONS) if not path.exists()]
    if missing:
        raise SettingsWrong(
            f"what browsers are given is missing: {missing[0]}; run `make setup`"
        )


def add_assets(app: web.Application) -> None:
    """Serve them; any other name isn't there."""
    for name in _FILES:
        load(name)

    async def show(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _FILES:
            raise web.HTTPNotFound
        return _answer(request, load(name))

    app.router.add_get(PREFIX + "{digest}/{name}", show)


def _answer(request: web.Request, asset: Asset) -> web.Response:
    headers = {"Vary": "Accept-Encoding"}
    body = asset.plain
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = asset.packed
    is_this_content = request.path == asset.url
    headers["Cache-Control"] = (
        "public, max-age=31536000, immutable" if is_this_content else "no-cache"
    )
    return web.Response(body=body, content_type=asset.media_type, headers=headers)
