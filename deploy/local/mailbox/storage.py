"""The newest mails, in memory and in a folder, so that they are there tomorrow."""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from deploy.local.mailbox.mail import Mail

LIMIT = 1000

log = logging.getLogger(__name__)


class Mails:
    """Mails by id, oldest first; the oldest goes when there are too many."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._mails: OrderedDict[str, Mail] = OrderedDict()

    def load(self) -> None:
        """Take up what an earlier run kept."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mails = filter(None, map(_load, self._folder.glob("*.json")))
        for mail in sorted(mails, key=lambda mail: mail.received_at):
            self._mails[mail.id] = mail

    async def keep(self, mail: Mail) -> None:
        await asyncio.to_thread(_store, self._folder, mail)
        self._mails[mail.id] = mail
        while len(self._mails) > self._limit:
            await self.drop(next(iter(self._mails)))

    async def drop(self, mail_id: str) -> None:
        mail = self._mails.pop(mail_id, None)
        if mail is not None:
            await asyncio.to_thread(_remove, self._folder, mail.id)

    async def drop_all(self) -> None:
        for mail_id in list(self._mails):
            await self.drop(mail_id)

    def find(self, mail_id: str) -> Mail | None:
        if mail_id == "latest":
            return next(reversed(self._mails.values()), None)
        return self._mails.get(mail_id)

    def newest_first(self, wanted: Callable[[Mail], bool]) -> list[Mail]:
        return [mail for mail in reversed(self._mails.values()) if wanted(mail)]


def _store(folder: Path, mail: Mail) -> None:
    """Write the message, then the envelope that makes it count."""
    (folder / f"{mail.id}.eml").write_bytes(mail.raw)
    envelope = {
        "id": mail.id,
        "received_at": mail.received_at.isoformat(),
        "sender": mail.sender,
        "recipients": mail.recipients,
    }
    draft = folder / f"{mail.id}.new"
    draft.write_text(json.dumps(envelope))
    draft.replace(folder / f"{mail.id}.json")


def _remove(folder: Path, mail_id: str) -> None:
    for suffix in (".json", ".eml"):
        (folder / f"{mail_id}{suffix}").unlink(missing_ok=True)


def _load(path: Path) -> Mail | None:
    try:
        envelope = json.loads(path.read_text())
        received_at = datetime.fromisoformat(envelope.pop("received_at"))
        raw = path.with_suffix(".eml").read_bytes()
        return Mail(**envelope, received_at=received_at, raw=raw)
    except (OSError, ValueError, TypeError, KeyError) as fault:
        log.warning("a mail could not be read again", extra={"fault": str(fault)})
        return None
