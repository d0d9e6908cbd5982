"""Makes the secrets that the compose file mounts: one file each, kept once made.

`make secrets`, or `python -m deploy.compose.secretfiles`, fills the folder `secrets`
(in CLIENTAREA_DATA, where that is set, if only in `.env`). What is there already stays
as it is.
"""

import base64
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from dotenv import dotenv_values
from joserfc.jwk import OKPKey

from deploy.compose.faults import CannotGoOn
from deploy.local.demo.company import people
from deploy.local.disk import write_whole
from deploy.local.faults import CannotStart
from deploy.local.keys import LETTERS, PASSWORD_LENGTH
from deploy.postgres.bootstrap import AUDITOR, OBSERVER, owner_of

SERVICES = ("accounts", "billing", "tickets", "notifier")
PROCESSES = (*SERVICES, "gateway")
DATABASE = "clientarea"
POSTGRES = "postgres:5432"
RABBITMQ = "rabbitmq:5672"
MAILPIT = "smtp://mailpit:1025"
DEFINITIONS = "rabbitmq_definitions.json"
OPERATOR = "operator"
DEMO_PEOPLE = "demo_people.json"
RANDOM_BYTES = 24
#: Only its owner enters the folder; the containers' user reads the files in it, which
#: the engine hands over one by one. A file of mode 0600 would need that user's id.
FOLDER_MODE = 0o700
FILE_MODE = 0o444


def folder() -> Path:
    """Return where the secrets are: as the compose file has it."""
    told = os.environ.get("CLIENTAREA_DATA") or dotenv_values(".env").get(
        "CLIENTAREA_DATA"
    )
    return Path(told or ".") / "secrets"


def database_files() -> dict[str, str]:
    """Return which role's URL each file holds."""
    return {
        **{f"{name}_database_url": name for name in SERVICES},
        **{f"{name}_owner_database_url": owner_of(name) for name in SERVICES},
        "audit_url": AUDITOR,
        "observer_url": OBSERVER,
    }


def broker_files() -> dict[str, str]:
    """Return which user's URL of the broker each file holds."""
    return {
        **{f"{process}_amqp_url": process for process in PROCESSES},
        "amqp_url": OPERATOR,
    }


def make(path: Path, given: Mapping[str, str]) -> list[str]:
    """Make what is missing in the folder; return the names of what was made.

    `given` may bring the SMTP_URL of the mail server to send through.
    """
    made = _Folder(path)
    admin = made.file("postgres_password", _random())
    made.file("database_admin_url", _postgres_url("postgres", admin, "postgres"))
    for name, role in database_files().items():
        made.file(name, _postgres_url(role, _random(), DATABASE))
    for name, user in broker_files().items():
        made.file(name, _amqp_url(user, _random()))
    made.file(DEFINITIONS, definitions(map(made.read, broker_files())))
    signing_key = OKPKey.generate_key("Ed25519").as_dict(private=True)
    made.file("signing_key", json.dumps(signing_key))
    made.file("link_key", secrets.token_urlsafe(32))
    # Empty but while a key changes; docs/operating/secrets.md tells how.
    made.file("signing_keys_accepted", "")
    made.file("link_keys_accepted", "")
    made.file("smtp_url", given.get("SMTP_URL") or MAILPIT)
    made.file("grafana_password", _random())
    made.file(DEMO_PEOPLE, json.dumps({email: _typed() for _, email in people()}))
    return made.new


class _Folder:
    """The folder; remembers what it had to make."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.new: list[str] = []
        try:
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(FOLDER_MODE)
        except OSError as fault:
            raise CannotGoOn(
                f"{path} can't be made: {fault.strerror}; name another folder in"
                " CLIENTAREA_DATA"
            ) from None

    def file(self, name: str, content: str) -> str:
        """Return what the file says; made with this content if it isn't there."""
        path = self._path / name
        try:
            if path.exists():
                return path.read_text("utf-8").strip()
            write(path, content)
        except OSError as fault:
            raise CannotGoOn(f"{path}: {fault.strerror}") from None
        except CannotStart as fault:
            raise CannotGoOn(str(fault)) from None
        self.new.append(name)
        return content

    def read(self, name: str) -> str:
        return (self._path / name).read_text("utf-8").strip()


def definitions(urls: Iterable[str]) -> str:
    """Return what the broker starts with: whom these URLs name, and what each may."""
    passwords = dict(map(_credentials, urls))
    users = [_user(name, password) for name, password in passwords.items()]
    permissions = [
        {"user": name, "vhost": "/", **_permission(name)} for name in passwords
    ]
    return json.dumps(
        {"users": users, "vhosts": [{"name": "/"}], "permissions": permissions},
        indent=1,
    )


def _credentials(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return unquote(parts.username or ""), unquote(parts.password or "")


def _user(name: str, password: str) -> dict[str, object]:
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {
        "name": name,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"] if name == OPERATOR else [],
    }


def _permission(name: str) -> dict[str, str]:
    """Return what a user may declare, write to and read from."""
    if name == OPERATOR:
        return {"configure": ".*", "write": ".*", "read": ".*"}
    # Retries and dead letters go through the default exchange.
    if name == "gateway":
        own = "gateway.*"
        return {
            "configure": f"^{own}$",
            "write": rf"^({own}|amq\.default)$",
            "read": f"^({own}|events)$",
        }
    return {
        "configure": "^$",
        "write": r"^(events|amq\.default)$",
        "read": rf"^{name}(\..*)?$",
    }


def write(path: Path, content: str) -> None:
    """Write it whole or not at all, or raise CannotStart."""
    write_whole(path, f"{content}\n".encode(), finish=lambda it: it.chmod(FILE_MODE))


def _postgres_url(role: str, password: str, database: str) -> str:
    return f"postgres://{role}:{quote(password, safe='')}@{POSTGRES}/{database}"


def _amqp_url(user: str, password: str) -> str:
    return f"amqp://{user}:{quote(password, safe='')}@{RABBITMQ}/"


def _random() -> str:
    return secrets.token_urlsafe(RANDOM_BYTES)


def _typed() -> str:
    """Return a password for people to type."""
    return "".join(secrets.choice(LETTERS) for _ in range(PASSWORD_LENGTH))


def main() -> None:
    path = folder()
    made = make(path, os.environ)
    said = f"made {', '.join(made)}" if made else "everything is there"
    sys.stdout.write(f"{path}: {said}\n")
    if "smtp_url" in made and not os.environ.get("SMTP_URL"):
        sys.stdout.write(
            f"{path / 'smtp_url'} names the demo's mailbox: write your mail server's"
            " address there, such as smtp+starttls://user:password@mail.example.com:587\n"
        )


if __name__ == "__main__":
    main()
