"""Mailpit's search: `to:ana@example.com subject:"open invoice" -is:read word`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.mailbox.mail import Address, Mail

_TERM = re.compile(
    r'(?P<negated>[-!]?)(?:(?P<field>[a-z-]+):)?(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))',
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Term:
    """One condition; a mail is found when it meets all of a query's."""

    field: str
    text: str
    negated: bool

    def meets(self, mail: Mail) -> bool:
        look = FIELDS.get(self.field)
        if look is None:  # `10:30` is no field, but two words
            return (f"{self.field}:{self.text}" in mail.words) != self.negated
        return look(mail, self.text) != self.negated


def matcher(query: str) -> Callable[[Mail], bool]:
    terms = [_term(found) for found in _TERM.finditer(query.lower())]
    return lambda mail: all(term.meets(mail) for term in terms)


def _term(found: re.Match[str]) -> Term:
    text = found["quoted"] if found["quoted"] is not None else found["word"]
    return Term(found["field"] or "", text, bool(found["negated"]))


def _among(addresses: list[Address], text: str) -> bool:
    return any(text in f"{each.name} {each.address}".lower() for each in addresses)


def _to(mail: Mail, text: str) -> bool:
    named = [*mail.addresses("To"), *(Address("", at) for at in mail.recipients)]
    return _among(named, text)


def _addressed(mail: Mail, text: str) -> bool:
    return _to(mail, text) or _among([mail.from_, *mail.addresses("Cc")], text)


FIELDS: dict[str, Callable[[Mail, str], bool]] = {
    "": lambda mail, text: text in mail.words,
    "to": _to,
    "from": lambda mail, text: _among([mail.from_], text) or text in mail.sender,
    "cc": lambda mail, text: _among(mail.addresses("Cc"), text),
    "bcc": lambda mail, text: _among(mail.bcc, text),
    "addressed": _addressed,
    "subject": lambda mail, text: text in mail.subject.lower(),
    "message-id": lambda mail, text: text in mail.message_id.lower(),
    "is": lambda mail, text: mail.read == (text == "read"),
    "has": lambda mail, text: text.startswith("attachment") and bool(mail.parts),
}
