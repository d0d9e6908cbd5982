"""A browser without scripts: keeps cookies, reads forms, sends them as they stand."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from io import BytesIO

from aiohttp import ClientSession, CookieJar
from multidict import CIMultiDictProxy
from yarl import URL

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
BOUNDARY = "a-boundary-of-the-tests"
Fields = dict[str, list[str]]


@dataclass
class Form:
    """A form as it stands in a page: where it goes, and what it would send."""

    action: str
    method: str
    fields: Fields = field(default_factory=dict[str, list[str]])
    #: Where files could be chosen, if they could.
    file_fields: list[str] = field(default_factory=list[str])

    def __getitem__(self, name: str) -> str:
        return self.fields[name][-1]

    def filled(self, typed: Mapping[str, str | None]) -> list[tuple[str, str]]:
        """Return what is sent with this typed into it; None clears a box."""
        fields = {**self.fields, **{n: [v] for n, v in typed.items() if v is not None}}
        return [
            (name, value)
            for name, values in fields.items()
            for value in values
            if typed.get(name, "") is not None
        ]


@dataclass(frozen=True)
class Page:
    """What came back, read."""

    status: int
    url: URL
    headers: CIMultiDictProxy[str]
    text: str

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def forms(self) -> list[Form]:
        reader = _FormReader()
        reader.feed(self.text)
        return reader.forms

    def form(self, action: str) -> Form:
        """Return the form that goes there; the first of them."""
        [found, *_] = [each for each in self.forms if each.action == action]
        return found

    @property
    def said(self) -> str:
        """The page's words, each space one."""
        text = re.sub(r"<(script|style|svg).*?</\1>", " ", self.text, flags=re.DOTALL)
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", text)))

    def fault(self, name: str) -> str:
        """Return what stands beside a field."""
        found = re.search(
            rf'<div id="{re.escape(name)}-fault">(.*?)</div></div>',
            self.text,
            re.DOTALL,
        )
        return unescape(re.sub(r"<[^>]*>", " ", found[1])).strip() if found else ""

    @property
    def title(self) -> str:
        return self.said_in("title").partition(" · ")[0]

    @property
    def heading(self) -> str:
        return self.said_in("h1")

    def said_in(self, tag: str) -> str:
        found = re.search(rf"<{tag}\b[^>]*>(.*?)</{tag}>", self.text, re.DOTALL)
        assert found, f"the page has no <{tag}>"
        return unescape(re.sub(r"<[^>]*>", "", found[1])).strip()


class Browser:
    """One person's browser; `language` is what it asks for."""

    def __init__(
        self, url: str, *, language: str = "en", device: str = FIREFOX
    ) -> None:
        self.url = URL(url)
        # Also cookies that are for TLS alone go where the tests are.
        self.jar = CookieJar(unsafe=True, treat_as_secure_origin=self.url)
        self.http = ClientSession(
            self.url,
            cookie_jar=self.jar,
            headers={"Accept-Language": language, "User-Agent": device},
        )

    async def get(self, path: str, **headers: str) -> Page:
        """Ask for a page, and not for where it leads."""
        return await self.ask("GET", path, headers=headers)

    async def follow(self, page: Page) -> Page:
        """Go where the page leads, until there is something to see."""
        while page.status in (302, 303):
            page = await self.get(page.location)
        return page

    async def open(self, path: str) -> Page:
        return await self.follow(await self.get(path))

    async def submit(
        self,
        page: Page,
        action: str,
        headers: Mapping[str, str] | None = None,
        /,
        **typed: str | None,
    ) -> Page:
        """Send the page's form with this typed into it; `__` stands for a dot."""
        form = page.form(action)
        values = {name.replace("__", "."): value for name, value in typed.items()}
        sent = form.filled(values)
        came_from = {"Referer": str(page.url), **(headers or {})}
        if form.method == "get":
            return await self.get(str(URL(action).with_query(sent)))
        if form.file_fields:
            files = [(name, "", b"") for name in form.file_fields]
            return await self.upload(action, sent, files, headers=came_from)
        return await self.ask("POST", action, data=sent, headers=came_from)

    async def upload(
        self,
        path: str,
        fields: Sequence[tuple[str, str]],
        files: Sequence[tuple[str, str, bytes]],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Send a form with files: field, name and content; no name is none chosen."""
        given = f"multipart/form-data; boundary={BOUNDARY}"
        body = multipart(fields, files)
        return await self.ask(
            "POST", path, data=body, headers={**(headers or {}), "Content-Type": given}
        )

    async def ask(
        self,
        method: str,
        path: str,
        *,
        data: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        # aiohttp warns of large bytes: they would be sent in one go.
        body = BytesIO(data) if isinstance(data, bytes) else data
        async with self.http.request(
            method,
            URL(path, encoded=True),
            data=body,
            headers=headers,
            allow_redirects=False,
        ) as answer:
            text = (await answer.read()).decode()
            return Page(answer.status, answer.url, answer.headers, text)

    async def log_in(self, email: str, password: str, *, path: str = "/login") -> Page:
        page = await self.get(path)
        return await self.submit(page, "/login", email=email, password=password)

    def cookie(self, name: str) -> str | None:
        """Return a cookie of the portal's by the end of its name."""
        found = [each for each in self.jar if each.key.endswith(f"-{name}")]
        return found[0].value if found else None

    def plant(self, name: str, value: str, *, prefix: str = "") -> None:
        """Set a cookie of the portal's from outside."""
        own = prefix or f"clientarea-{self.url.port}-"
        self.jar.update_cookies({own + name: value}, self.url)


def multipart(
    fields: Sequence[tuple[str, str]], files: Sequence[tuple[str, str, bytes]]
) -> bytes:
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields
    ]
    parts += [
        f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        for field, name, content in files
    ]
    line = f"--{BOUNDARY}\r\n".encode()
    return (
        b"".join(line + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--".encode()
    )


class _FormReader(HTMLParser):
    """Reads forms as browsers fill them in: ticked, chosen and typed values alone."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._open)
        elif self._open is None:
            return
        elif tag == "input":
            self._input(given)
        elif tag == "select":
            self._select, self._options = given["name"], []
        elif tag == "option":
            self._options.append((given["value"], "selected" in given))
        elif tag == "textarea":
            self._area = given["name"]
            self._put(self._area, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select" and self._select is not None:
            chosen = [value for value, is_chosen in self._options if is_chosen]
            self._put(self._select, (chosen or [self._options[0][0]])[0])
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None and self._open is not None:
            before = self._open.fields[self._area].pop()
            self._put(self._area, before + data.removeprefix("\n"))

    def _input(self, given: Mapping[str, str]) -> None:
        type_ = given.get("type", "text")
        if "name" not in given:
            return
        if type_ == "file" and self._open is not None:
            self._open.file_fields.append(given["name"])
            return
        if type_ in ("checkbox", "radio") and "checked" not in given:
            return
        default = "on" if type_ == "checkbox" else ""
        self._put(given["name"], given.get("value", default))

    def _put(self, name: str, value: str) -> None:
        assert self._open is not None
        self._open.fields.setdefault(name, []).append(value)
