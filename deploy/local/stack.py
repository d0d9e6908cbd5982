"""The whole stack on this machine: from an empty folder to a company with a history."""

import asyncio
import hashlib
import os
import sys
from dataclasses import asdict

from pydantic_core import to_json

from chassis import readings, topology
from chassis.bus import connect
from chassis.migrations import CannotMigrate, MigrationEdited, migrate
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.local.console import Console
from deploy.local.datafolder import PROJECT, DataFolder
from deploy.local.demo.company import Login, company, logins, people, seed_of
from deploy.local.demo.history import make_history
from deploy.local.environments import (
    ADDRESSES,
    SERVICES,
    Addresses,
    environments,
)
from deploy.local.faults import CannotStart
from deploy.local.keys import Keys
from deploy.local.logs import ProcessLog
from deploy.local.mailbox import Mailbox
from deploy.local.postgres import PrivatePostgres
from deploy.local.program import Program
from deploy.local.rabbitmq import Ports, PrivateRabbitMQ
from deploy.local.room import tell_of_room
from deploy.local.supervisor import Supervisor, at_once
from deploy.postgres.bootstrap import bootstrap, dsns, owner_of, roles_of

DEMO = "demo.json"
SEEDED = "seeded.json"
HISTORY = "history"
BROKER_PORTS = ("amqp", "distribution", "epmd", "management")
PORTS = ("postgres", *BROKER_PORTS, "smtp", "mailbox", *SERVICES)


class Servers:
    """What the product stands on: given by the environment, or private to the folder.

    The private ones may not have been made yet.
    """

    def __init__(self, data: DataFolder, ports: dict[str, int]) -> None:
        self.given_postgres = os.environ.get("DATABASE_ADMIN_URL")
        self.given_amqp = os.environ.get("AMQP_URL")
        self.postgres = PrivatePostgres(data.path / "postgres", ports["postgres"])
        self.rabbitmq = PrivateRabbitMQ(
            data.path / "rabbitmq",
            Ports(**{name: ports[name] for name in BROKER_PORTS}),
            management=False,
        )
        self.mailbox = Mailbox(data.path / "mails", ports["smtp"], ports["mailbox"])

    def addresses(
        self, ports: dict[str, int], gateway_port: int, keys: Keys
    ) -> Addresses:
        """Say where everything will be, before any of it runs."""
        if not self.given_amqp:
            self.rabbitmq.make()
        server_url = self.given_postgres or f"postgres://{self.postgres.server}"
        return Addresses(
            gateway=gateway_port,
            services={name: ports[name] for name in SERVICES},
            databases=dsns(server_url, SERVICES, keys.roles),
            amqp_url=self.given_amqp or self.rabbitmq.url,
            smtp_url=self.mailbox.smtp_url,
            mailbox_url=self.mailbox.url,
        )

    def remove(self) -> None:
        """Remove the private ones' files, which may lie outside the data folder."""
        self.postgres.home.remove()
        self.rabbitmq.home.remove()


class Stack:
    """Brings everything up, each part as soon as what it leans on is there."""

    def __init__(
        self,
        data: DataFolder,
        gateway_port: int,
        *,
        supervisor: Supervisor,
        console: Console,
    ) -> None:
        self._data = data
        self._supervisor = supervisor
        self._console = console
        ports = data.ports(PORTS)
        self._keys = Keys.of(
            data, roles=roles_of(SERVICES), people=[email for _, email in people()]
        )
        self._servers = Servers(data, ports)
        self.addresses = self._servers.addresses(ports, gateway_port, self._keys)
        self.logins: list[Login] = logins(self._keys.people)
        self._told = environments(self.addresses, self._keys, company(), data.blobs)
        self._migrated = asyncio.Event()

    async def start(self) -> None:
        """Return once the Client Area answers and its demo is there."""
        self._data.write(ADDRESSES, self.addresses)
        self._supervisor.beside(tell_of_room(self._data.path, self._console))
        await self._supervisor.keep(self._servers.mailbox)
        # The broker takes longest: the processes start meanwhile, and wait for it.
        await at_once(self._start_broker(), self._start_processes())
        await self._make_history()
        self._write_demo()

    async def _start_broker(self) -> None:
        """Start RabbitMQ, and declare the queues that relays and consumers wait for."""
        if not self._servers.given_amqp:
            await self._supervisor.keep(self._servers.rabbitmq)
            self._supervisor.beside(self._servers.rabbitmq.end_when_it_turns_all_away())
        await self._migrated.wait()
        async with connect(self.addresses.amqp_url, "migrate") as connection:
            try:
                await topology.declare(
                    connection, SUBSCRIPTIONS, bound=self._note_readings
                )
            except CannotMigrate as fault:
                raise CannotStart(f"{fault}.") from fault

    async def _start_processes(self) -> None:
        admin_url = self._servers.given_postgres
        if not admin_url:
            await self._supervisor.keep(self._servers.postgres)
            admin_url = self._servers.postgres.url
        await self._prepare_databases(admin_url)
        self._migrated.set()
        await self._seed()
        await self._supervisor.keep(
            *(self._process(name) for name in (*SERVICES, "gateway"))
        )

    async def _prepare_databases(self, admin_url: str) -> None:
        with self._console.timing("databases"):
            await bootstrap(admin_url, SERVICES, self._keys.roles)
            await at_once(*(self._migrate(name) for name in SERVICES))

    async def _migrate(self, name: str) -> None:
        """Do what the service's own `migrate` does, without a process of its own."""
        url = self.addresses.databases[owner_of(name)]
        try:
            await migrate(url, schema=name, package=f"services.{name}")
            events = SUBSCRIPTIONS[name]
            await readings.intend(url, schema=name, consumer=name, events=events)
        except MigrationEdited as fault:
            raise CannotStart(
                f"{name}: {fault}. Where nothing in {self._data.path} is of any worth,"
                " `make reset` begins anew."
            ) from fault
        except CannotMigrate as fault:
            raise CannotStart(f"{name}: {fault}.") from fault

    async def _note_readings(self) -> None:
        for name, events in SUBSCRIPTIONS.items():
            url = self.addresses.databases[owner_of(name)]
            try:
                await readings.note(url, schema=name, consumer=name, events=events)
            except CannotMigrate as fault:
                raise CannotStart(f"{name}: {fault}.") from fault

    async def _seed(self) -> None:
        """Let each service make its part of the demo company, unless it has."""
        seeds = {name: seed_of(name, self._keys.people) for name in SERVICES}
        marks = {name: _mark(seed) for name, seed in seeds.items()}
        known = self._seeded()
        parts = {
            name: {"environment": self._told[name], "seed": seeds[name]}
            for name in SERVICES
            if known.get(name) != marks[name]
        }
        if parts:
            with self._console.timing("company"):
                seeding = self._program("seeding", "-m", "deploy.local.seeding")
                await seeding.finish(to_json(parts))
        self._data.write(SEEDED, known | marks)

    async def _make_history(self) -> None:
        if HISTORY not in self._seeded():
            with self._console.timing("history"):
                await make_history(self.addresses.gateway_url, self.logins)
        self._data.write(SEEDED, self._seeded() | {HISTORY: "made"})

    def _seeded(self) -> dict[str, str]:
        return self._data.read(SEEDED, dict[str, str]) or {}

    def _write_demo(self) -> None:
        content = {
            "gateway": self.addresses.gateway_url,
            "mailbox": self.addresses.mailbox_url,
            "sandbox": None,  # no payment provider is played here yet
            "logins": [asdict(login) for login in self.logins],
        }
        self._data.write(DEMO, content)

    def _process(self, name: str) -> Program:
        package = name if name == "gateway" else f"services.{name}"
        return self._program(
            name, "-m", package, "serve", ready_url=self.addresses.ready_url(name)
        )

    def _program(
        self, name: str, *arguments: str, ready_url: str | None = None
    ) -> Program:
        return Program(
            name,
            [sys.executable, *arguments],
            environment=self._told.get(name, {}),
            folder=PROJECT,
            log=ProcessLog(name, self._data.path / "logs", self._console.show),
            ready_url=ready_url,
        )


def _mark(seed: object) -> str:
    """Tell one seed from another: a changed file is seeded again."""
    return hashlib.sha256(to_json(seed)).hexdigest()
