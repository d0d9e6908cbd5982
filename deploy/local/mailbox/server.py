"""The mailbox's two doors, SMTP and HTTP, on one event loop."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from chassis.ids import uuid7
from deploy.local.mailbox.api import application
from deploy.local.mailbox.mail import Mail
from deploy.local.mailbox.storage import Mails
from deploy.local.ports import LOOPBACK

LARGEST_MAIL_BYTES = 32 * 1024 * 1024
IDLE_SECONDS = 60
STOP_SECONDS = 1


class Mailbox:
    """Keeps what it is sent; `url` is its page, `smtp_url` where mails go."""

    name = "mailbox"

    def __init__(self, folder: Path, smtp_port: int, http_port: int) -> None:
        self.smtp_url = f"smtp://{LOOPBACK}:{smtp_port}"
        self.url = f"http://{LOOPBACK}:{http_port}"
        self._ports = (smtp_port, http_port)
        self._mails = Mails(folder)
        self._smtp: asyncio.Server | None = None
        self._http: web.AppRunner | None = None

    @property
    def alive(self) -> bool:
        return self._smtp is not None and self._smtp.is_serving()

    async def start(self) -> None:
        smtp_port, http_port = self._ports
        self._mails.load()
        self._http = web.AppRunner(
            application(self._mails), access_log=None, shutdown_timeout=STOP_SECONDS
        )
        await self._http.setup()
        await web.TCPSite(self._http, LOOPBACK, http_port).start()
        loop = asyncio.get_running_loop()
        self._smtp = await loop.create_server(self._session, LOOPBACK, smtp_port)

    async def stop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            await self._smtp.wait_closed()
        if self._http is not None:
            await self._http.cleanup()

    def _session(self) -> SMTP:
        return SMTP(
            _Handler(self._mails),
            data_size_limit=LARGEST_MAIL_BYTES,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="Mailbox",
            timeout=IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )


class _Handler:
    """Accepts every mail to everybody."""

    def __init__(self, mails: Mails) -> None:
        self._mails = mails

    async def handle_DATA(  # noqa: N802  # the name aiosmtpd looks for
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        raw = envelope.content or b""
        mail = Mail(
            id=str(uuid7()),
            received_at=datetime.now(UTC),
            sender=envelope.mail_from or "",
            recipients=list(envelope.rcpt_tos),
            raw=raw if isinstance(raw, bytes) else raw.encode(),
        )
        try:
            await self._mails.keep(mail)
        except OSError as fault:  # a full disk: the sender may try again
            return f"452 4.3.1 The mail could not be kept: {fault.strerror}"
        return f"250 2.0.0 Kept as {mail.id}"
