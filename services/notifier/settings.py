"""Notifier's settings, from the environment, and what its parts share while it runs."""

import asyncio
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Annotated

from aiohttp import web
from pydantic import Field, SecretStr, StringConstraints, field_validator

from chassis import addresses
from chassis.settings import HttpUrl, ProcessSettings
from contracts.links import LinkKey

SCHEMES = ("smtp", "smtp+starttls", "smtps")


class Settings(ProcessSettings):
    """What the notifier needs to know beside what every process does."""

    #: Such as smtp://user:secret@mail.example.com:587; +starttls insists on TLS.
    smtp_url: SecretStr = SecretStr("")
    #: Connections to the mail server at once.
    smtp_connections: int = Field(default=4, ge=1, le=50)
    #: An address, or a name and an address: Example Hosting <billing@example.com>.
    mail_from: str = ""
    #: Shared with accounts: both derive the tokens of mailed links from it.
    link_key: LinkKey = SecretStr("")
    #: Where the Client Area is, as its readers reach it.
    portal_url: HttpUrl = ""
    company_name: Annotated[str, StringConstraints(max_length=100)] = ""

    @field_validator("smtp_url")
    @classmethod
    def check_smtp_url(cls, value: SecretStr) -> SecretStr:
        example = f"smtp://host:25, with {' or '.join(SCHEMES)}"
        addresses.checked(value.get_secret_value(), SCHEMES, example)
        return value

    @field_validator("mail_from")
    @classmethod
    def check_mail_from(cls, value: str) -> str:
        if value and not _is_address(parseaddr(value)[1]):
            raise ValueError("must be an e-mail address, or a name and <address>")
        return value

    @field_validator("portal_url")
    @classmethod
    def without_last_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def sender(self) -> tuple[str, str]:
        """The name and the address that mails come from."""
        name, email = parseaddr(self.mail_from)
        return name or self.company_name, email


def _is_address(email: str) -> bool:
    try:
        return bool(Address(addr_spec=email).domain)
    except (ValueError, IndexError, MessageError):
        return False


#: Set when there may be mails to send, so that the sender needn't wait for its turn.
MAILS_WAITING: web.AppKey[asyncio.Event] = web.AppKey("mails_waiting")
