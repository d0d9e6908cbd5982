"""The mailbox over HTTP: Mailpit's calls, and the page."""

import base64
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from aiohttp import web
from pydantic import BaseModel, ValidationError

from deploy.local.mailbox.mail import Address, Mail, Part
from deploy.local.mailbox.search import matcher
from deploy.local.mailbox.storage import Mails

MAILS = web.AppKey("mails", Mails)
DEFAULT_LIMIT = 50
ASSETS = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
PAGE_POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'"
#: A mail is a stranger's page: no scripts, no forms, nothing fetched; its links
#: open in a window of their own, where they are ordinary pages again.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " img-src data:; style-src 'unsafe-inline'; font-src data:"
)

routes = web.RouteTableDef()


class Chosen(BaseModel):
    """Which mails to delete; none named means all."""

    IDs: list[str] = []


def application(mails: Mails) -> web.Application:
    app = web.Application(middlewares=[_headers])
    app[MAILS] = mails
    app.add_routes(routes)
    app.add_routes([web.get(path, _asset) for path in ASSETS])
    return app


@routes.get("/api/v1/messages")
async def list_messages(request: web.Request) -> web.Response:
    return _found(request, query="")


@routes.get("/api/v1/search")
async def search(request: web.Request) -> web.Response:
    return _found(request, query=request.query.get("query", ""))


@routes.delete("/api/v1/messages")
async def delete_messages(request: web.Request) -> web.Response:
    try:
        chosen = Chosen.model_validate_json(await request.read() or b"{}").IDs
    except ValidationError as fault:
        raise web.HTTPBadRequest(text="the body is {IDs: [...]}") from fault
    mails = request.app[MAILS]
    for mail_id in chosen:
        await mails.drop(mail_id)
    if not chosen:
        await mails.drop_all()
    return web.Response(text="ok")


@routes.delete("/api/v1/search")
async def delete_found(request: web.Request) -> web.Response:
    mails = request.app[MAILS]
    for mail in mails.newest_first(matcher(request.query.get("query", ""))):
        await mails.drop(mail.id)
    return web.Response(text="ok")


@routes.get("/api/v1/message/{id}")
async def show_message(request: web.Request) -> web.Response:
    mail = _mail(request)
    mail.read = True
    return _json(_whole(mail))


@routes.get("/api/v1/message/{id}/headers")
async def show_headers(request: web.Request) -> web.Response:
    found: dict[str, list[str]] = {}
    for name, value in _mail(request).headers():
        found.setdefault(_canonical(name), []).append(value)
    return _json(found)


@routes.get("/api/v1/message/{id}/raw")
async def show_raw(request: web.Request) -> web.Response:
    text = _mail(request).raw.decode("utf-8", "replace")
    return web.Response(text=text, content_type="text/plain")


@routes.get("/api/v1/message/{id}/part/{part}")
async def download_part(request: web.Request) -> web.Response:
    wanted = request.match_info["part"]
    part = next((p for p in _mail(request).parts if p.id == wanted), None)
    if part is None:
        raise web.HTTPNotFound
    # Never shown here: a file is a stranger's too.
    name = re.sub(r"[^\w.,+ ()-]", "_", part.name, flags=re.ASCII)
    return web.Response(
        body=part.content,
        content_type=part.content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@routes.get("/view/{id}.html")
async def view_html(request: web.Request) -> web.Response:
    """Show a mail's HTML as a page that can do nothing."""
    mail = _mail(request)
    text = '<base target="_blank" rel="noreferrer">' + _with_images(mail)
    headers = {"Content-Security-Policy": MAIL_POLICY}
    return web.Response(text=text, content_type="text/html", headers=headers)


@routes.get("/readyz")
async def show_readiness(_request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _asset(request: web.Request) -> web.Response:
    name, content_type = ASSETS[request.path]
    text = (Path(__file__).parent / name).read_text()
    return web.Response(text=text, content_type=content_type)


@web.middleware
async def _headers(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    answer = await handler(request)
    answer.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _mail(request: web.Request) -> Mail:
    mail = request.app[MAILS].find(request.match_info["id"])
    if mail is None:
        raise web.HTTPNotFound(text="message not found")
    return mail


def _found(request: web.Request, query: str) -> web.Response:
    everything = request.app[MAILS].newest_first(lambda _: True)
    found = list(filter(matcher(query), everything))
    start = _number(request, "start", 0)
    page = found[start : start + _number(request, "limit", DEFAULT_LIMIT)]
    return _json(
        {
            "total": len(everything),
            "unread": sum(not mail.read for mail in everything),
            "count": len(page),
            "messages_count": len(found),
            "messages_unread": sum(not mail.read for mail in found),
            "start": start,
            "tags": [],
            "messages": [_summary(mail) for mail in page],
        }
    )


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII):
        raise web.HTTPBadRequest(text=f"{name} must be a number of 0 or more")
    return int(text)


def _summary(mail: Mail) -> dict[str, object]:
    return {
        **_heading(mail),
        "Created": mail.received_at.isoformat(),
        "Read": mail.read,
        "Attachments": sum(not part.inline for part in mail.parts),
        "Snippet": mail.snippet,
    }


def _whole(mail: Mail) -> dict[str, object]:
    return {
        **_heading(mail),
        "ReturnPath": mail.sender,
        "Date": mail.date.isoformat(),
        "Text": mail.text,
        "HTML": mail.html,
        "Inline": [_file(part) for part in mail.parts if part.inline],
        "Attachments": [_file(part) for part in mail.parts if not part.inline],
    }


def _heading(mail: Mail) -> dict[str, object]:
    return {
        "ID": mail.id,
        "MessageID": mail.message_id,
        "From": _people([mail.from_])[0],
        "To": _people(mail.addresses("To")),
        "Cc": _people(mail.addresses("Cc")),
        "Bcc": _people(mail.bcc),
        "ReplyTo": _people(mail.addresses("Reply-To")),
        "Subject": mail.subject,
        "Size": len(mail.raw),
        "Tags": [],
    }


def _people(addresses: Iterable[Address]) -> list[dict[str, str]]:
    return [{"Name": each.name, "Address": each.address} for each in addresses]


def _file(part: Part) -> dict[str, object]:
    return {
        "PartID": part.id,
        "FileName": part.name,
        "ContentType": part.content_type,
        "ContentID": part.content_id,
        "Size": len(part.content),
    }


def _with_images(mail: Mail) -> str:
    """Return the HTML with the images it brought along inside it."""
    html = mail.html
    for part in mail.parts:
        if part.content_id:
            content = base64.b64encode(part.content).decode()
            data = f"data:{part.content_type};base64,{content}"
            html = html.replace(f"cid:{part.content_id}", data)
    return html


def _canonical(name: str) -> str:
    """Write a header's name as Mailpit does: `Message-Id`."""
    return "-".join(word.capitalize() for word in name.split("-"))


def _json(content: Mapping[str, object]) -> web.Response:
    # Malformed mails hold lone surrogates, which UTF-8 can't.
    text = json.dumps(content, ensure_ascii=True)
    return web.Response(text=text, content_type="application/json")
