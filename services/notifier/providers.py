"""SMTP: builds messages, and says of each what the server made of it."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.notifier.domain.mails import Answer, Fate, Mail, MailCopy

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 20.0
DATA_SECONDS = 60.0
MAXIMUM_SUBJECT = 200
#: Replies that say: never.
PERMANENT = range(500, 600)

#: Bodies leave as quoted-printable or base64, which every server takes. Addresses are
#: ASCII: accounts keeps no others.
_ASCII = SMTP.clone(cte_type="7bit")


class ServerUnreachable(Exception):
    """The mail server can't be used at all; no mail is to blame."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The From of every mail."""

    name: str
    email: str

    @property
    def host(self) -> str:
        return self.email.rpartition("@")[2]


def build_message(mail: Mail, copy: MailCopy, sender: Sender) -> EmailMessage:
    """Return the mail as a message; the same mail always gives the same one."""
    message = EmailMessage(policy=_ASCII)
    message["From"] = _address(sender.name, sender.email)
    message["To"] = _address(mail.recipient.name, mail.recipient.email)
    message["Subject"] = _one_line(copy.subject)[:MAXIMUM_SUBJECT]
    message["Date"] = _date(mail.created_at)
    message["Message-ID"] = mail.message_id
    if mail.thread_id is not None:
        message["In-Reply-To"] = mail.thread_id
        message["References"] = mail.thread_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(copy.text)
    message.add_alternative(copy.html, subtype="html")
    message["Content-Language"] = str(mail.recipient.language)
    return message


class Connection:
    """An open connection that sends one mail after the other."""

    def __init__(self, smtp: aiosmtplib.SMTP) -> None:
        self._smtp = smtp

    async def send(self, message: EmailMessage, *, sender: str, to: str) -> Answer:
        """Hand the message over; raise ServerUnreachable if there is no server."""
        if not self._smtp.is_connected:
            await _connect(self._smtp)
        try:
            await self._smtp.mail(sender)
            await self._smtp.rcpt(to)
        except aiosmtplib.SMTPException as error:
            return await self._after(error, lost=Fate.POSTPONED)
        try:
            reply = await self._smtp.data(bytes(message), timeout=DATA_SECONDS)
        except aiosmtplib.SMTPException as error:
            # Without an answer to the final dot nobody knows whether it was taken.
            return await self._after(error, lost=Fate.UNKNOWN)
        return Answer(Fate.ACCEPTED, f"{reply.code} {reply.message}"[:500])

    async def _after(self, error: aiosmtplib.SMTPException, *, lost: Fate) -> Answer:
        """Judge a try that went wrong, and leave the connection fit for the next."""
        if isinstance(error, aiosmtplib.SMTPResponseException) and error.code > 0:
            await self._reset()
            fate = Fate.REFUSED if error.code in PERMANENT else Fate.POSTPONED
            return Answer(fate, f"{error.code} {error.message}"[:500])
        self._smtp.close()
        return Answer(lost, f"no answer: {error}"[:500])

    async def _reset(self) -> None:
        try:
            await self._smtp.rset()
        except aiosmtplib.SMTPException:
            self._smtp.close()


class MailServer:
    """The server behind an address such as `smtp://user:secret@host:587`.

    `smtp` turns to TLS where the server offers it, `smtp+starttls` insists on that,
    and `smtps` speaks TLS from the first byte.
    """

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """Open a connection, or raise ServerUnreachable."""
        smtp = self._client()
        await _connect(smtp)
        try:
            yield Connection(smtp)
        finally:
            with suppress(aiosmtplib.SMTPException):
                if smtp.is_connected:
                    await smtp.quit(timeout=1)
            smtp.close()

    def _client(self) -> aiosmtplib.SMTP:
        parts = self._parts
        return aiosmtplib.SMTP(
            hostname=parts.hostname,
            port=parts.port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            start_tls=True if parts.scheme == "smtp+starttls" else None,
            timeout=COMMAND_SECONDS,
        )


async def _connect(smtp: aiosmtplib.SMTP) -> None:
    smtp.close()
    try:
        await smtp.connect(timeout=CONNECT_SECONDS)
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as error:
        smtp.close()
        raise ServerUnreachable(f"{type(error).__name__}: {error}") from error


def _date(instant: datetime) -> str:
    return format_datetime(instant)


def _address(name: str, email: str) -> Address:
    return Address(display_name=_one_line(name), addr_spec=email)


def _one_line(text: str) -> str:
    """Return text that is safe in a header.

    `=?` starts an encoded word, inside which a line end could hide; the parser of the
    email package would decode it even in a value that it is given.
    """
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split()).replace("=?", "= ?")
