"""What makes a process: its routes, consumers, jobs and the rest, in one place."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from aiohttp import web

from chassis.checks import Check
from chassis.clock import Clock
from chassis.consumers import Consumers
from chassis.db import Database, Transaction
from chassis.events import Event
from chassis.http.routes import Routes
from chassis.jobs import Jobs
from chassis.resources import Resources
from chassis.samples import Measure
from chassis.settings import ProcessSettings

#: Returns the current state of up to `limit` objects with ids beyond `after`, by id.
Republisher: TypeAlias = Callable[
    [Transaction, UUID | None, int], Awaitable[Sequence[Event]]
]
#: Opens what the process needs and puts it into the resources.
Opener: TypeAlias = Callable[[Resources, Any], AbstractAsyncContextManager[None]]
Seeder: TypeAlias = Callable[[Database, Clock, Any, dict[str, object]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process, as its app.py declares it."""

    name: str
    #: Where its migrations lie, such as `services.billing`.
    package: str
    settings: type[ProcessSettings]
    routes: Sequence[Routes] = ()
    consumers: Consumers | None = None
    #: Who reads which events, in the whole system.
    subscriptions: Mapping[str, Sequence[type[Event]]] = field(
        default_factory=dict[str, Sequence[type[Event]]]
    )
    #: Consumers whose requests may wait for what this process tells; None: any.
    waiting: Collection[str] | None = None
    jobs: Jobs | None = None
    checks: Sequence[Check] = ()
    #: Its own numbers, asked of the database whenever metrics are.
    measures: Sequence[Measure] = ()
    republishers: Mapping[str, Republisher] = field(
        default_factory=dict[str, Republisher]
    )
    resources: Opener | None = None
    seed: Seeder | None = None
    #: Adds to the application what isn't a declared route, such as a proxy.
    extend: Callable[[web.Application, Resources], None] | None = None
    #: Names what it can do without, and has to, for now: told by `/health/ready`.
    degraded: Callable[[Resources], Awaitable[Sequence[str]]] | None = None
    has_database: bool = True
    #: Whether the headers about the client are the gateway's, to be believed.
    behind_gateway: bool = True
