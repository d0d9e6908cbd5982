"""The demo company's files, with the passwords that this stack has made."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

FOLDER = Path(__file__).parent
#: Which file each service is seeded with.
FILES = {
    "accounts": "people.json",
    "billing": "products.json",
    "tickets": "departments.json",
    "notifier": "news.json",
}


@dataclass(frozen=True)
class Login:
    """How one of the demo's people logs in."""

    role: str
    email: str
    password: str


def company() -> dict[str, str]:
    """Return what processes are told about the company, as their environment."""
    return json.loads((FOLDER / "company.json").read_text())


def people() -> list[tuple[str, str]]:
    """Return everybody's role and e-mail."""
    known = json.loads((FOLDER / "people.json").read_text())
    staff = [(member["role"], member["email"]) for member in known["staff"]]
    return staff + [("customer", each["email"]) for each in known["customers"]]


def logins(passwords: Mapping[str, str]) -> list[Login]:
    return [Login(role, email, passwords[email]) for role, email in people()]


def seed_of(service: str, passwords: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return what a service is seeded with."""
    content = json.loads((FOLDER / FILES[service]).read_text())
    if service == "accounts":
        for person in [*content["staff"], *content["customers"]]:
            person["password"] = passwords[person["email"]]
    return content
