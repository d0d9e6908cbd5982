"""What operators can tell a process on the command line."""

import argparse
import asyncio
import gc
import json
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import TypeAlias

import structlog
from aio_pika.abc import AbstractConnection

from chassis import migrations, readings, topology
from chassis.addresses import server_of
from chassis.bus import BROKER_ERRORS, connect
from chassis.checks import STATEMENT_SECONDS, run_checks
from chassis.clockshift import refresh
from chassis.db import open_database
from chassis.deadletters import DeadLetter, DeadLetters, recording
from chassis.definition import Process
from chassis.errors import Unavailable
from chassis.http import document_of
from chassis.ids import uuid7
from chassis.jobs import run
from chassis.logs import configure_logs
from chassis.republish import republish
from chassis.resources import CLOCK, DATABASE, Resources
from chassis.running import jobs_of, opened, serve
from chassis.schema import dump_schema
from chassis.settings import ProcessSettings, SettingsWrong, load_settings, require

log = structlog.get_logger("process")

Command: TypeAlias = Callable[
    [Process, ProcessSettings, argparse.Namespace], Coroutine[None, None, int]
]


def main(process: Process) -> None:
    """Do what the command line says, and exit."""
    arguments = _parser(process).parse_args()
    command: Command = arguments.command
    settings = load_settings(process.settings)
    configure_logs(process.name, settings.log_level)
    try:
        sys.exit(asyncio.run(command(process, settings, arguments)))
    except Unavailable as away:
        sys.exit(f"{process.name}: {away}")


async def _serve(
    process: Process, settings: ProcessSettings, _arguments: argparse.Namespace
) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        await serve(process, settings, stopping, started=_settle)
    except ExceptionGroup as failed:
        log.exception("process failed", reason=repr(failed.exceptions))
        return 1
    return 0


def _settle(_port: int, _resources: Resources) -> None:
    """Take what start-up made out of the garbage collector's rounds: all of it stays.

    Walking a hundred thousand objects holds up every request for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()


async def _migrate(
    process: Process, settings: ProcessSettings, _arguments: argparse.Namespace
) -> int:
    """Bring the schema, then the broker's queues, to what this release needs."""
    try:
        if process.has_database:
            require(settings, "owner_database_url")
            url = settings.owner_database_url
            applied = await migrations.migrate(
                url, schema=process.name, package=process.package
            )
            _tell({"applied": applied})
            await _note_readings(process, settings, readings.intend)
        if process.subscriptions:
            require(settings, "amqp_url")
            async with _broker(settings, f"{process.name} migrate") as connection:
                await topology.declare(
                    connection,
                    process.subscriptions,
                    bound=partial(_note_readings, process, settings, readings.note),
                )
    except migrations.CannotMigrate as fault:
        sys.exit(f"{process.name}: {fault}")
    return 0


async def _note_readings(
    process: Process, settings: ProcessSettings, write: Callable[..., Awaitable[None]]
) -> None:
    """Write what the process reads, or is about to, by a function of `readings`."""
    if process.consumers is None or not process.has_database:
        return
    consumer = process.consumers.name
    await write(
        settings.owner_database_url,
        schema=process.name,
        consumer=consumer,
        events=process.subscriptions.get(consumer, ()),
    )


@asynccontextmanager
async def _broker(
    settings: ProcessSettings, name: str
) -> AsyncGenerator[AbstractConnection]:
    """Connect for one command; a broker that is away ends it with one line."""
    try:
        async with connect(settings.amqp_url, name) as connection:
            yield connection
    except (*BROKER_ERRORS, TimeoutError) as fault:
        sys.exit(
            f"the broker at {server_of(settings.amqp_url)} can't be used: {fault!r};"
            " look at AMQP_URL"
        )


async def _dead_letters(
    process: Process, settings: ProcessSettings, arguments: argparse.Namespace
) -> int:
    if process.consumers is None:
        raise SettingsWrong(f"{process.name} consumes nothing")
    require(settings, "amqp_url")
    async with _broker(settings, f"{process.name} operator") as connection:
        letters = DeadLetters(connection, process.consumers.name)
        if arguments.action in {"list", "show"}:
            return await _show_letters(letters, arguments)
        if arguments.id is None and not arguments.all:
            raise SettingsWrong("name a dead letter, or say --all")
        if arguments.action == "replay":
            count = await letters.replay(arguments.id)
        else:
            count = await _drop_letters(process, settings, letters, arguments)
    _tell({arguments.action: count})
    return 0 if count or arguments.all else 1


async def _show_letters(letters: DeadLetters, arguments: argparse.Namespace) -> int:
    if arguments.action == "list":
        for letter in await letters.list(arguments.limit):
            _tell({k: v for k, v in asdict(letter).items() if k != "body"})
        return 0
    letter: DeadLetter | None = await letters.find(arguments.id or "")
    if letter is not None:
        _tell({**asdict(letter), "body": letter.masked_body})
    return 0 if letter else 1


async def _drop_letters(
    process: Process,
    settings: ProcessSettings,
    letters: DeadLetters,
    arguments: argparse.Namespace,
) -> int:
    if not (arguments.because or "").strip():
        raise SettingsWrong("say why, for the audit log: --because '…'")
    async with opened(process, settings) as resources:
        record = recording(resources[DATABASE], arguments.because, "system:operator")
        return await letters.drop(arguments.id, record)


async def _republish(
    process: Process, settings: ProcessSettings, arguments: argparse.Namespace
) -> int:
    """Send the current state of the named objects again; the relay publishes it."""
    async with opened(process, settings) as resources:
        republisher = process.republishers[arguments.name]
        _tell({"republished": await republish(resources[DATABASE], republisher)})
    return 0


async def _job(
    process: Process, settings: ProcessSettings, arguments: argparse.Namespace
) -> int:
    """Run a job now, whoever else runs it meanwhile; 1 if it failed."""
    jobs = {job.name: job for job in jobs_of(process)}
    async with opened(process, settings) as resources:
        if settings.sandbox_clock:
            await refresh(resources[CLOCK], resources[DATABASE])
        error = await run(jobs[arguments.name], resources, run_id=uuid7())
    _tell({"job": arguments.name, "error": error})
    return 1 if error else 0


async def _audit(
    process: Process, settings: ProcessSettings, _arguments: argparse.Namespace
) -> int:
    require(settings, "database_url")
    async with open_database(
        settings.database_url,
        schema=process.name,
        pool_size=2,
        statement_seconds=STATEMENT_SECONDS,
    ) as database:
        report = await run_checks(database, process.checks)
    _tell(report)
    return 0 if report["agrees"] else 1


async def _seed(
    process: Process, settings: ProcessSettings, _arguments: argparse.Namespace
) -> int:
    """Read JSON from standard input, and make what it describes unless it is there."""
    if process.seed is None:
        raise SettingsWrong(f"{process.name} has nothing to seed")
    given = json.load(sys.stdin)
    async with opened(process, settings) as resources:
        clock, database = resources[CLOCK], resources[DATABASE]
        if settings.sandbox_clock:
            await refresh(clock, database)
        await process.seed(database, clock, settings, given)
    return 0


async def _openapi(
    process: Process, _settings: ProcessSettings, _arguments: argparse.Namespace
) -> int:
    _tell(document_of(process.routes, title=process.name))
    return 0


async def _schema(
    process: Process, settings: ProcessSettings, _arguments: argparse.Namespace
) -> int:
    require(settings, "owner_database_url")
    sys.stdout.write(await dump_schema(settings.owner_database_url, process.name))
    return 0


def _parser(process: Process) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {process.package}")
    commands = parser.add_subparsers(required=True)

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        return added

    add("serve", _serve, "run the parts named in PARTS")
    add("migrate", _migrate, "bring schema and queues to this release")
    add("audit", _audit, "check the invariants; 1 if one doesn't hold")
    add("openapi", _openapi, "print the OpenAPI document")
    add("schema", _schema, "print the migrated schema as SQL")
    add("seed", _seed, "make what the JSON on standard input describes")
    letters = add("dead-letters", _dead_letters, "what no retry could handle")
    letters.add_argument("action", choices=("list", "show", "replay", "drop"))
    letters.add_argument("id", nargs="?", help="a message's id, as listed")
    letters.add_argument("--all", action="store_true", help="replay or drop all")
    letters.add_argument("--because", help="why they are dropped; is recorded")
    letters.add_argument("--limit", type=int, default=100, help="how many to list")
    if process.has_database:
        job = add("job", _job, "run a job now, such as one that was missed")
        job.add_argument("name", choices=sorted(job.name for job in jobs_of(process)))
    if process.republishers:
        again = add("republish", _republish, "send current states to their readers")
        again.add_argument("name", choices=sorted(process.republishers))
    return parser


def _tell(content: object) -> None:
    sys.stdout.write(json.dumps(content, default=str, ensure_ascii=False) + "\n")
