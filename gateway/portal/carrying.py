"""Forms on their way through a log-in: encrypted, for whoever typed them alone.

The log-in's page holds the form meanwhile, which whoever sits down next can read: so it
is encrypted with a key that follows from the browser's own secret. Nothing is kept
here, and every gateway can decrypt it.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from pydantic import TypeAdapter

from gateway.portal.forms import CSRF_FIELD, KEY_FIELD, SECRETS, USER_FIELD, Form

MAXIMUM_CARRIED_BYTES = 200_000
_CARRIED = TypeAdapter(dict[str, list[str]])


def carry(form: Form, secret: str) -> str | None:
    """Return form and typist, encrypted; None if that is too long to be carried."""
    kept: dict[str, list[str]] = {KEY_FIELD: [form.key], USER_FIELD: [form[USER_FIELD]]}
    for name, values in form.values.items():
        if not values:
            kept[name] = []
    for name, value in fields_kept(form):
        kept.setdefault(name, []).append(value)
    text = _CARRIED.dump_json(kept)
    if len(text) > MAXIMUM_CARRIED_BYTES:
        return None
    return _cipher(secret).encrypt(text).decode()


def carried(text: str, secret: str) -> Form | None:
    """Return the form that a log-in's page has held, or None if that holds none."""
    try:
        decrypted = _cipher(secret).decrypt(text.encode())
    except InvalidToken:
        return None
    return Form.posted(_CARRIED.validate_json(decrypted))


def fields_kept(form: Form) -> Iterator[tuple[str, str]]:
    """Yield what may be given back: neither secrets nor what each page puts in."""
    for name, values in form.values.items():
        if name not in SECRETS and name not in (CSRF_FIELD, KEY_FIELD, USER_FIELD):
            yield from ((name, value) for value in values)


def _cipher(secret: str) -> Fernet:
    key = hmac.digest(secret.encode(), b"carried form", sha256)
    return Fernet(urlsafe_b64encode(key))
