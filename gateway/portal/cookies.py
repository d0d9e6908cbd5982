"""The portal's cookies: their names and how long browsers keep them."""

from dataclasses import dataclass

from aiohttp import web
from yarl import URL

from gateway.settings import Settings

DAY = 24 * 60 * 60
CHOICE_SECONDS = 365 * DAY
NOTICE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Cookies:
    """Reads and sets cookies that belong to this host alone.

    With TLS their names begin with `__Host-`, which browsers guard. Without it, on
    loopback, the port is part of the name, since browsers send cookies to every port.
    """

    prefix: str
    secure: bool

    @classmethod
    def of(cls, settings: Settings) -> "Cookies":
        url = URL(settings.public_url)
        if url.scheme == "https":
            return cls("__Host-", secure=True)
        return cls(f"clientarea-{url.port}-", secure=False)

    def read(self, request: web.Request, name: str) -> str | None:
        return request.cookies.get(self.prefix + name)

    def keep(
        self, response: web.StreamResponse, name: str, value: str, *, seconds: int
    ) -> None:
        response.set_cookie(
            self.prefix + name,
            value,
            max_age=seconds,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="Lax",
        )

    def drop(self, response: web.StreamResponse, name: str) -> None:
        response.del_cookie(
            self.prefix + name, path="/", secure=self.secure, samesite="Lax"
        )
