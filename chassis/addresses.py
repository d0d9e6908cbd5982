"""The addresses of servers, with the secrets in them: what a setting may say."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

#: On this machine alone a password keeps nobody out who isn't in already.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SHORTEST_PASSWORD = 12
#: So many different characters at least: "aaaaaaaaaaaa" is long, too.
DISTINCT_CHARACTERS = 6
#: Which schemes there are, and an example.
POSTGRES = (("postgres", "postgresql"), "postgres://user:password@host/db")
AMQP = (("amqp", "amqps"), "amqp://user:password@host/")

#: The last label of a name is never all digits: those are meant to be an IP address.
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*"
    r"(?!\d+$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?",
    re.ASCII | re.IGNORECASE,
)


def postgres_url(value: str) -> str:
    """Return the value, or raise ValueError with what is wrong with it."""
    return _guarded(checked(value, *POSTGRES))


def amqp_url(value: str) -> str:
    """Return the value, or raise ValueError with what is wrong with it."""
    return _guarded(checked(value, *AMQP))


def http_url(value: str) -> str:
    """Return the value, or raise ValueError with what is wrong with it.

    It is told and logged, and so has no place for a user's name and password.
    """
    example = "https://host"
    parts = urlsplit(checked(value, ("http", "https"), example))
    if "@" in parts.netloc or parts.query:
        raise ValueError(f"must be like {example}, without a user, a password or a ?")
    return value


def checked(value: str, schemes: tuple[str, ...], example: str) -> str:
    """Return the value, empty or an address of a scheme with a host's name.

    What is no address, or could be read in two ways, raises ValueError with the
    example, and never with the value: there may be a password anywhere in it.
    """
    if value and ((parts := _parts(value)) is None or parts.scheme not in schemes):
        raise ValueError(f"must be like {example}")
    return value


def listening_host(value: str) -> str:
    """Return the value, an IP address or a host's name, or raise ValueError."""
    try:
        ip_address(value)
    except ValueError:
        if _HOST_NAME.fullmatch(value) is None:
            raise ValueError(
                "must be an IP address of this machine, 127.0.0.1 or 0.0.0.0 for all,"
                " or its name"
            ) from None
    return value


def server_of(url: str) -> str:
    """Name the server without its secrets: `postgres:5432/clientarea`.

    What is no whole address isn't shown at all, since anything in it may be secret.
    """
    parts = _parts(url)
    if parts is None:
        return "(no valid address)"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname}{port}{parts.path.rstrip('/')}"


def is_weak(secret: str) -> bool:
    """Tell whether a secret is one that others may guess."""
    return len(secret) < SHORTEST_PASSWORD or len(set(secret)) < DISTINCT_CHARACTERS


def _guarded(value: str) -> str:
    """Return the address if a password worth the name keeps others off its server."""
    parts = urlsplit(value)
    elsewhere = parts.hostname is not None and parts.hostname not in LOOPBACK
    if elsewhere and is_weak(unquote(parts.password or "")):
        raise ValueError(
            "its password is missing, or can be guessed: take one at random of"
            f" {SHORTEST_PASSWORD} characters or more"
        )
    return value


def _parts(value: str) -> SplitResult | None:
    """Return the parts of an address that names a host; None for anything else."""
    if not value.isprintable() or " " in value:
        return None  # urlsplit would leave some of it out
    try:
        parts = urlsplit(value)
        port = parts.port  # which may be no number
    except ValueError:
        return None
    # Behind a password with a / or # in it, the host would be part of the path.
    strayed = "@" in parts.path + parts.query or "#" in value
    return None if strayed or not parts.hostname or port == 0 else parts
