"""The secrets of one stack, made once and kept in its data folder."""

import json
import secrets
from collections.abc import Sequence
from typing import Self

from joserfc.jwk import OKPKey
from pydantic import BaseModel

from deploy.local.datafolder import DataFolder

FILE = "keys.json"
#: For people to type: nothing that looks alike, about 80 bits.
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
PASSWORD_LENGTH = 16


class Keys(BaseModel):
    """Passwords of database roles and of demo people, and the shared keys."""

    signing_key: str
    link_key: str
    #: What is accepted beside those two while they change.
    signing_keys_accepted: str = ""
    link_keys_accepted: str = ""
    roles: dict[str, str]
    people: dict[str, str]

    @classmethod
    def of(
        cls, data: DataFolder, *, roles: Sequence[str], people: Sequence[str]
    ) -> Self:
        """Return the folder's keys; make those that are missing."""
        keys = data.read(FILE, cls) or cls._made()
        _complete(keys.roles, roles)
        _complete(keys.people, people)
        data.write(FILE, keys)
        return keys

    @classmethod
    def _made(cls) -> Self:
        signing_key = OKPKey.generate_key("Ed25519").as_dict(private=True)
        return cls(
            signing_key=json.dumps(signing_key),
            link_key=secrets.token_urlsafe(32),
            roles={},
            people={},
        )


def _complete(known: dict[str, str], names: Sequence[str]) -> None:
    for name in names:
        letters = (secrets.choice(LETTERS) for _ in range(PASSWORD_LENGTH))
        known.setdefault(name, "".join(letters))
