"""The secret in a mailed link: derived from its request's id, so no event carries it.

Accounts and notifier share one key and compute the same token; a token that wasn't
made with it, or was made for another purpose, reads as nothing.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, SecretStr

from chassis.addresses import is_weak

VERIFY_EMAIL = "verify_email"
RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, not a password

#: 16 bytes of request id and 32 of HMAC-SHA256 make 64 characters, without padding.
TOKEN_LENGTH = 64
MINIMUM_KEY_LENGTH = 16


def _long_enough(key: SecretStr) -> SecretStr:
    if 0 < len(key) < MINIMUM_KEY_LENGTH:
        raise ValueError(f"must have at least {MINIMUM_KEY_LENGTH} characters")
    if len(key) and is_weak(key.get_secret_value()):
        raise ValueError("can be guessed: take one at random")
    return key


def _each_long_enough(keys: SecretStr) -> SecretStr:
    for key in keys.get_secret_value().splitlines():
        _long_enough(SecretStr(key))
    return keys


#: The setting that both processes are given; empty where it isn't set.
LinkKey = Annotated[SecretStr, AfterValidator(_long_enough)]
#: Keys that links were made with before, one a line.
LinkKeys = Annotated[SecretStr, AfterValidator(_each_long_enough)]


def link_token(key: bytes, purpose: str, request_id: UUID) -> str:
    """Return the token of the link that answers this request."""
    signature = hmac.digest(key, purpose.encode() + request_id.bytes, sha256)
    return urlsafe_b64encode(request_id.bytes + signature).decode("ascii")


def read_link_token(keys: Sequence[bytes], purpose: str, token: str) -> UUID | None:
    """Return the id of the request that the token answers; None if it isn't ours.

    It is ours if any of the keys made it: while keys change, there are two.
    """
    if len(token) != TOKEN_LENGTH:
        return None
    try:
        request_id = UUID(bytes=urlsafe_b64decode(token)[:16])
    except ValueError:
        return None
    expected = [link_token(key, purpose, request_id) for key in keys]
    ours = any(hmac.compare_digest(each, token) for each in expected)
    return request_id if ours else None
