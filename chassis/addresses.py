"""The addresses of servers, with the secrets in them: what a setting may say."""

from urllib.parse import SplitResult, unquote, urlsplit

#: On this machine alone a password keeps nobody out who isn't in already.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SHORTEST_PASSWORD = 12
#: So many different characters at least: "aaaaaaaaaaaa" is long, too.
DISTINCT_CHARACTERS = 6


def postgres_url(value: str) -> str:
    """Return the value, or raise ValueError with what is wrong with it."""
    return _checked(
        value, ("postgres", "postgresql"), "postgres://user:password@host/db"
    )


def amqp_url(value: str) -> str:
    """Return the value, or raise ValueError with what is wrong with it."""
    return _checked(value, ("amqp", "amqps"), "amqp://user:password@host/")


def server_of(url: str) -> str:
    """Name the server without its secrets: `postgres:5432/clientarea`."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname}{port}{parts.path.rstrip('/')}"


def is_weak(secret: str) -> bool:
    """Tell whether a secret is one that others may guess."""
    return len(secret) < SHORTEST_PASSWORD or len(set(secret)) < DISTINCT_CHARACTERS


def _checked(value: str, schemes: tuple[str, ...], example: str) -> str:
    if not value:
        return value
    parts = _parts(value)
    if parts is None or parts.scheme not in schemes:
        raise ValueError(f"must be like {example}")
    elsewhere = parts.hostname is not None and parts.hostname not in LOOPBACK
    if elsewhere and is_weak(unquote(parts.password or "")):
        raise ValueError(
            "its password is missing, or can be guessed: take one at random of"
            f" {SHORTEST_PASSWORD} characters or more"
        )
    return value


def _parts(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value)
        _ = parts.port  # which may be no number
    except ValueError:
        return None
    return parts
