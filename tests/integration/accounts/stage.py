"""The accounts service on a stage: real HTTP, real Postgres, a clock to be moved."""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from aiohttp import ClientSession
from joserfc.jwk import OKPKey

from chassis.checks import run_checks
from chassis.clock import FixedClock
from chassis.db import Database
from chassis.http import build_app, serving
from chassis.resources import CLOCK, DATABASE, VERIFIER, Resources
from contracts.links import RESET_PASSWORD, VERIFY_EMAIL, link_token
from services.accounts.app import PROCESS, open_resources
from services.accounts.seed import seed
from services.accounts.settings import Settings
from tests.support.people import Answer, ask

LINK_KEY = "a link key for tests"
PASSWORD = "correct horse battery"
ADDRESS = "203.0.113.7"


def settings(**given: object) -> Settings:
    key = OKPKey.generate_key("Ed25519").as_dict(private=True)
    return Settings.model_validate(
        {"signing_key": json.dumps(key), "link_key": LINK_KEY, **given}
    )


@dataclass
class Client:
    """Somebody who talks to the service from an address, signed in or not."""

    http: ClientSession
    address: str = ADDRESS
    access_token: str | None = None
    refresh_token: str = ""
    session_token: str = ""
    device: str = "tests/1"

    async def refusals(
        self, method: str, path: str, bodies: Iterable[object]
    ) -> list[tuple[int, list[str]]]:
        """Send each of the bodies; return the statuses and the fields named."""
        answers = [await self.ask(method, path, json=body) for body in bodies]
        return [(answer.status, answer.fields) for answer in answers]

    async def get(self, path: str, **query: str) -> Answer:
        return await self.ask("GET", path, params=query)

    async def post(self, path: str, body: object = None, **headers: str) -> Answer:
        return await self.ask("POST", path, json=body, headers=headers)

    async def put(self, path: str, body: object, **headers: str) -> Answer:
        return await self.ask("PUT", path, json=body, headers=headers)

    async def patch(self, path: str, body: object) -> Answer:
        return await self.ask("PATCH", path, json=body)

    async def delete(self, path: str) -> Answer:
        return await self.ask("DELETE", path)

    async def log_in(self, email: str, password: str = PASSWORD) -> Answer:
        answer = await self.post("/sessions", {"email": email, "password": password})
        if answer.status == 201:
            self.take(answer)
        return answer

    async def log_in_browser(
        self, email: str, password: str = PASSWORD, *, key: str | None = None
    ) -> Answer:
        body = {"email": email, "password": password}
        named = {} if key is None else {"Idempotency-Key": key}
        answer = await self.post("/internal/browser-sessions", body, **named)
        if answer.status == 201:
            self.session_token = answer.body["session_token"]
        return answer

    async def exchange(self, token: object = None) -> Answer:
        """Open a browser's session, and go on with its access token."""
        body = {"session_token": token or self.session_token}
        answer = await self.post("/internal/browser-sessions/exchange", body)
        if answer.status == 200:
            self.access_token = answer.body["access_token"]
        return answer

    async def refresh(self, token: str | None = None) -> Answer:
        body = {"refresh_token": token or self.refresh_token}
        return await self.post("/sessions/refresh", body)

    def take(self, answer: Answer) -> None:
        """Go on with these tokens."""
        self.access_token = answer.body["access_token"]
        self.refresh_token = answer.body["refresh_token"]

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        sent = {"X-Forwarded-For": self.address, "User-Agent": self.device}
        if self.access_token:
            sent["Authorization"] = f"Bearer {self.access_token}"
        sent |= headers or {}
        return await ask(self.http, method, path, headers=sent, **options)


@dataclass(frozen=True)
class Told:
    """An event as it lies in the outbox."""

    type: str
    subject: UUID
    version: int
    data: dict[str, Any]


@dataclass
class Stage:
    """The service, and what tests do to it."""

    db: Database
    clock: FixedClock
    url: str
    http: ClientSession
    resources: Resources
    settings: Settings
    registered: int = 0

    def visitor(self, address: str = ADDRESS) -> Client:
        return Client(self.http, address)

    async def register(self, **given: object) -> tuple[str, UUID]:
        """Register a customer; return the e-mail and the customer's id."""
        self.registered += 1
        body = registration(email=f"person{self.registered}@example.com") | given
        answer = await self.visitor("198.51.100.1").post("/customers", body)
        assert answer.status == 201, answer.body
        return str(body["email"]), UUID(answer.body["id"])

    async def signed_in(self, email: str | None = None) -> Client:
        """Return a customer's client, of a new customer unless named."""
        client = self.visitor()
        if email is None:
            email, _ = await self.register()
        answer = await client.log_in(email)
        assert answer.status == 201, answer.body
        return client

    async def in_browser(self, email: str | None = None) -> Client:
        """Return a customer's client with an open browser session."""
        client = self.visitor()
        client.device = "Browser/1"
        if email is None:
            email, _ = await self.register()
        assert (await client.log_in_browser(email)).status == 201
        assert (await client.exchange()).status == 200
        return client

    async def staff(self, role: str = "support") -> Client:
        """Return the client of a staff member."""
        email = f"{role}@company.example.com"
        member = {"email": email, "name": role, "role": role, "password": PASSWORD}
        await self.seed(staff=[member])
        return await self.signed_in(email)

    def beside(self, **given: object) -> AbstractAsyncContextManager["Stage"]:
        """Serve accounts a second time, with other settings, by the same clock."""
        return staged(self.db, self.clock, **given)

    async def seed(self, **given: Sequence[object]) -> None:
        await seed(self.db, self.clock, self.settings, dict(given))

    def pass_time(self, **duration: float) -> None:
        self.clock.instant += timedelta(**duration)

    async def events(self, type_: str = "") -> list[Told]:
        """Return what was announced, in order; `type_` is a part of the name."""
        async with self.db.reading() as tx:
            rows = await tx.fetch(
                """
                SELECT type, subject, version, body FROM outbox
                WHERE strpos(type, $1) > 0 ORDER BY seq
                """,
                type_,
            )
        return [
            Told(r["type"], r["subject"], r["version"], json.loads(r["body"])["data"])
            for r in rows
        ]

    async def verification_token(self) -> str:
        """Return the token that was mailed last to verify an e-mail."""
        last = (await self.events("email_verification"))[-1]
        return link_token(LINK_KEY.encode(), VERIFY_EMAIL, last.subject)

    async def reset_token(self) -> str:
        """Return the token that was mailed last to reset a password."""
        last = (await self.events("password_reset"))[-1]
        return link_token(LINK_KEY.encode(), RESET_PASSWORD, last.subject)

    async def everything_stored(self) -> str:
        """Return all rows of all tables, as text."""
        async with self.db.reading() as tx:
            rows = await tx.fetch(
                """
                SELECT t::text AS content FROM outbox t
                UNION ALL SELECT t::text FROM audit_log t
                UNION ALL SELECT t::text FROM idempotency_keys t
                UNION ALL SELECT t::text FROM customers t
                UNION ALL SELECT t::text FROM users t
                UNION ALL SELECT t::text FROM sessions t
                UNION ALL SELECT t::text FROM refresh_tokens t
                UNION ALL SELECT t::text FROM link_requests t
                UNION ALL SELECT t::text FROM attempts t
                """
            )
        return "\n".join(row["content"] for row in rows)

    async def assert_invariants(self) -> None:
        report = await run_checks(self.db, PROCESS.checks)
        assert report["agrees"], report


def registration(**given: object) -> dict[str, object]:
    """Return the body of a registration."""
    return {
        "email": "ana@example.com",
        "password": PASSWORD,
        "name": "Ana Souza",
        "country": "BR",
        "currency": "BRL",
        **given,
    }


def with_field(body: Mapping[str, object], path: str, value: object) -> Any:
    """Return the body with one field, given by its dotted path, set."""
    name, _, below = path.partition(".")
    inner = cast("Mapping[str, object]", body.get(name, {}))
    return {**body, name: with_field(inner, below, value) if below else value}


@asynccontextmanager
async def staged(
    database: Database, clock: FixedClock | None = None, **given: object
) -> AsyncGenerator[Stage]:
    """Serve accounts on a free port, with a clock that stands still."""
    chosen = settings(**given)
    clock = clock or FixedClock(datetime.now(UTC).replace(microsecond=0))
    resources = Resources()
    resources[CLOCK], resources[DATABASE] = clock, database
    async with open_resources(resources, chosen):
        app = build_app(
            name="accounts",
            routes=PROCESS.routes,
            resources=resources,
            verifier=resources[VERIFIER],
            clock=clock,
            database=database,
        )
        async with serving(app, host="127.0.0.1", port=0) as port:
            url = f"http://127.0.0.1:{port}"
            async with ClientSession(url) as http:
                yield Stage(database, clock, url, http, resources, chosen)
