"""A real SMTP server that answers as a test tells it to."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 OK"
#: Takes the mail, and breaks off without an answer.
DROP = "drop"


@dataclass
class Mailbox:
    """Takes mails; `answers` are given to the next ones, then all are accepted."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list[EmailMessage])
    answers: list[str] = field(default_factory=list[str])
    #: The answer to everything, while it lasts.
    always: str | None = None
    connections: int = 0
    #: Called while a mail is being taken.
    during: Callable[[], Awaitable[None]] | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def of(self, address: str) -> list[EmailMessage]:
        return [
            message
            for message in self.received
            if address in [a.addr_spec for a in message["To"].addresses]
        ]

    async def handle_DATA(  # noqa: N802 - aiosmtpd names its hooks so
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del session
        answer = self.always or (self.answers.pop(0) if self.answers else OK)
        if self.during is not None:
            await self.during()
        if answer in (OK, DROP):
            content = envelope.original_content or b""
            message = message_from_bytes(content, policy=default)
            assert isinstance(message, EmailMessage)
            self.received.append(message)
        if answer == DROP:
            cast("asyncio.Transport", server.transport).abort()
        return answer

    def connect(self) -> SMTP:
        self.connections += 1
        return SMTP(self, hostname="mail.test", loop=asyncio.get_running_loop())

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Listen, on the same port again if it was open before."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self.connect, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return body.get_content()
