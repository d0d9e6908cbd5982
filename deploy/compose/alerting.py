"""Writes Alertmanager's configuration: mails of alerts go the way of all other mails.

`python -m deploy.compose.alerting` runs before Alertmanager starts. In the file mounted
at TEMPLATE it fills in `${NAME}`: the mail server that the notifier sends through, from
the secret `smtp_url`, who the mails come from, and who is told.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.compose.faults import CannotGoOn
from deploy.compose.told import told

TEMPLATE = Path("/etc/clientarea/alertmanager.yml")
WRITTEN = Path("/var/lib/clientarea/alerting/alertmanager.yml")
#: The one port at which Alertmanager speaks TLS from the first byte.
TLS_PORT = 465
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": TLS_PORT}

_NAMED = re.compile(r"\$\{([A-Z_]+)\}")


def main() -> None:
    """Write the file, or end with a line that says what is missing."""
    template = TEMPLATE.read_text("utf-8")
    text = filled_in(template, _values(template))
    try:
        WRITTEN.write_text(text, "utf-8")
        # Alertmanager has a user of its own; nobody else enters the volume.
        WRITTEN.parent.chmod(0o755)
    except OSError as fault:
        raise CannotGoOn(f"{WRITTEN} can't be written: {fault.strerror}") from None
    sys.stdout.write("Alertmanager's configuration is written\n")


def filled_in(template: str, values: Mapping[str, object]) -> str:
    """Return the text with a value for each `${NAME}`, quoted as YAML wants it."""

    def value(found: re.Match[str]) -> str:
        if (name := found[1]) not in values:
            known = ", ".join(sorted(values))
            raise CannotGoOn(f"alertmanager.yml: ${{{name}}} is none of {known}")
        # All JSON is YAML.
        return json.dumps(values[name], ensure_ascii=False)

    return _NAMED.sub(value, template)


def mail_server(smtp_url: str) -> dict[str, object]:
    """Return Alertmanager's words for a mail server; raises CannotGoOn."""
    parts = urlsplit(smtp_url)
    try:
        port = parts.port or PORTS[parts.scheme]
    except (KeyError, ValueError):
        port = 0
    if not port or not parts.hostname:
        raise CannotGoOn(
            f"SMTP_URL: must be like smtp://host:25, with {' or '.join(PORTS)}"
        )
    if parts.scheme == "smtps" and port != TLS_PORT:
        raise CannotGoOn(
            f"SMTP_URL: Alertmanager speaks smtps at port {TLS_PORT} alone; name"
            " a configuration of your own in ALERTMANAGER_CONFIG"
        )
    user = unquote(parts.username or "")
    return {
        "SMTP_SERVER": f"{parts.hostname}:{port}",
        "SMTP_USER": user,
        "SMTP_PASSWORD": unquote(parts.password or ""),
        # Of what has no scheme of its own: no password goes in the clear.
        "SMTP_STARTTLS": parts.scheme == "smtp+starttls"
        or (parts.scheme == "smtp" and bool(user)),
    }


def _values(template: str) -> dict[str, object]:
    """Return a value for every name; a file that has none of them needs none."""
    if not _NAMED.search(template):
        return {}
    return {
        **mail_server(told("smtp_url")),
        # Alertmanager would encode a name with accents together with the address.
        "MAIL_FROM": parseaddr(_set("MAIL_FROM"))[1],
        "ALERTS_TO": _set("ALERTS_TO"),
    }


def _set(name: str) -> str:
    if given := os.environ.get(name):
        return given
    raise CannotGoOn(f"{name}: set it in .env; see .env.example")


if __name__ == "__main__":
    main()
