"""Where a stack's secrets are kept: files for containers, one file for `make run`."""

import json
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, urlsplit

from deploy.compose import secretfiles
from deploy.local.datafolder import DataFolder
from deploy.local.faults import CannotStart
from deploy.local.keys import FILE, Keys
from deploy.operate.faults import CannotOperate


class SecretFiles:
    """The folder that the compose file mounts from, one file for each."""

    #: What makes a process read them again, for a person to type. `docker compose up`
    #: would leave one replica, and serve nobody meanwhile.
    restart = ".venv/bin/python -m deploy.compose.upgrade --no-build --every --only"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> str:
        try:
            return (self.folder / name).read_text("utf-8").strip()
        except OSError as fault:
            raise CannotOperate(
                f"{self.folder / name} can't be read: {fault.strerror}; make what is"
                " missing with `make secrets`."
            ) from None

    def write(self, name: str, text: str) -> None:
        try:
            secretfiles.write(self.folder / name, text)
        except CannotStart as fault:
            raise CannotOperate(str(fault)) from None

    def write_role(self, role: str, password: str) -> None:
        """Note the role's password; `migrate` tells the database."""
        names = {role: name for name, role in secretfiles.database_files().items()}
        self.write(names[role], with_password(self.read(names[role]), password))


class KeysFile:
    """The keys of a `make run`, which reads them when it starts."""

    restart = "stop `make run` and start it again"

    def __init__(self, data: DataFolder, keys: Keys) -> None:
        self._data = data
        self._keys = keys

    def read(self, name: str) -> str:
        return str(getattr(self._keys, name))

    def write(self, name: str, text: str) -> None:
        self._save({name: text})

    def write_role(self, role: str, password: str) -> None:
        self._save({"roles": {**self._keys.roles, role: password}})

    def _save(self, changed: dict[str, object]) -> None:
        self._keys = self._keys.model_copy(update=changed)
        self._data.write(FILE, self._keys)


Vault: TypeAlias = SecretFiles | KeysFile


def open_vault() -> Vault:
    """Return the secrets of the stack that CLIENTAREA_DATA names."""
    folder = secretfiles.folder()
    if (folder / "signing_key").exists():
        return SecretFiles(folder)
    data = DataFolder.from_environment()
    keys = data.read(FILE, Keys) if data.is_ours else None
    if keys is None:
        raise CannotOperate(
            f"There are no secrets in {folder}, nor in the data folder {data.path}:"
            " name the right one in CLIENTAREA_DATA."
        )
    return KeysFile(data, keys)


def with_password(url: str, password: str) -> str:
    """Return the URL with another password."""
    parts = urlsplit(url)
    user, server = parts.netloc.split(":", 1)[0], parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{server}").geturl()


def keys_of(jwks: str) -> list[dict[str, object]]:
    """Return the keys of a JWK set, which may be nothing at all."""
    return json.loads(jwks)["keys"] if jwks else []
