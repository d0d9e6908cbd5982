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
from pydantic import ValidationError

from chassis import migrations, readings, topology
from chassis.addresses import server_of
from chassis.bus import BROKER_ERRORS, connect
from chassis.checks import STATEMENT_SECONDS, run_checks
from chassis.clockshift import refresh
from chassis.commandline import number_of, sentence, tell_whatever_it_is
from chassis.db import open_database
from chassis.deadletters import (
    LISTED,
    MOST_LISTED,
    DeadLetters,
    QueueMissing,
    recording,
)
from chassis.definition import Process
from chassis.errors import Unavailable
from chassis.http import document_of
from chassis.ids import uuid7
from chassis.inbox import wrong_fields
from chassis.jobs import run
from chassis.logs import configure_logs
from chassis.republish import republish
from chassis.resources import CLOCK, DATABASE, Resources
from chassis.running import jobs_of, opened, serve
from chassis.schema import CannotDump, dump_schema
from chassis.settings import ProcessSettings, SettingsWrong, load_settings, require

log = structlog.get_logger("process")

Command: TypeAlias = Callable[
    [Process, ProcessSettings, argparse.Namespace], Coroutine[None, None, int]
]
LettersCommand: TypeAlias = Callable[
    [Process, ProcessSettings, DeadLetters, argparse.Namespace],
    Coroutine[None, None, int],
]


def main(process: Process) -> None:
    """Do what the command line says, and exit."""
    tell_whatever_it_is()
    arguments = _parser(process).parse_args()
    command: Command = arguments.command
    settings = load_settings(process.settings)
    configure_logs(process.name, settings.log_level)
    try:
        sys.exit(asyncio.run(command(process, settings, arguments)))
    except Unavailable as away:
        why = f" ({away.__cause__})" if away.__cause__ else ""
        sys.exit(f"{process.name}: {away}{why}")
    except CannotDump as fault:
        sys.exit(f"{process.name}: {fault}")
    except migrations.NOT_MIGRATED as fault:
        sys.exit(
            f"{process.name}: {fault}: not all is as this release has it; run `migrate`"
        )
    except KeyboardInterrupt:
        sys.exit(f"{process.name}: stopped")


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
    act: LettersCommand = arguments.act
    async with _broker(settings, f"{process.name} operator") as connection:
        letters = DeadLetters(connection, process.consumers.name)
        try:
            return await act(process, settings, letters, arguments)
        except QueueMissing as fault:
            sys.exit(f"{process.name}: {fault}")


async def _list_letters(
    _process: Process,
    _settings: ProcessSettings,
    letters: DeadLetters,
    arguments: argparse.Namespace,
) -> int:
    for letter in await letters.list(arguments.limit):
        _tell({k: v for k, v in asdict(letter).items() if k != "body"})
    return 0


async def _show_letter(
    _process: Process,
    _settings: ProcessSettings,
    letters: DeadLetters,
    arguments: argparse.Namespace,
) -> int:
    letter = await letters.find(arguments.id)
    if letter is None:
        return _miss(arguments.id)
    _tell({**asdict(letter), "body": letter.masked_body})
    return 0


async def _replay_letters(
    _process: Process,
    _settings: ProcessSettings,
    letters: DeadLetters,
    arguments: argparse.Namespace,
) -> int:
    count = await letters.replay(arguments.id)
    _tell({"replay": count})
    return 0 if count or arguments.all else _miss(arguments.id)


async def _drop_letters(
    process: Process,
    settings: ProcessSettings,
    letters: DeadLetters,
    arguments: argparse.Namespace,
) -> int:
    async with opened(process, settings) as resources:
        record = recording(resources[DATABASE], arguments.because, "system:operator")
        count = await letters.drop(arguments.id, record)
    _tell({"drop": count})
    return 0 if count or arguments.all else _miss(arguments.id)


def _miss(message_id: str) -> int:
    sys.stderr.write(f"no dead letter has the id {message_id!r}; `list` shows all\n")
    return 1


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
    try:
        given = json.load(sys.stdin)
    except (ValueError, RecursionError) as fault:
        raise SettingsWrong(f"standard input must be JSON: {fault}") from None
    async with opened(process, settings) as resources:
        clock, database = resources[CLOCK], resources[DATABASE]
        if settings.sandbox_clock:
            await refresh(clock, database)
        try:
            await process.seed(database, clock, settings, given)
        except ValidationError as wrong:
            raise SettingsWrong(f"standard input: {wrong_fields(wrong)}") from None
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
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

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
    _add_letters(add("dead-letters", _dead_letters, "what no retry could handle"))
    if process.has_database:
        job = add("job", _job, "run a job now, such as one that was missed")
        job.add_argument("name", choices=sorted(job.name for job in jobs_of(process)))
    if process.republishers:
        again = add("republish", _republish, "send current states to their readers")
        again.add_argument("name", choices=sorted(process.republishers))
    return parser


def _add_letters(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def add(name: str, act: LettersCommand, text: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text, description=text)
        added.set_defaults(act=act)
        return added

    listing = add("list", _list_letters, "one line for each, the oldest first")
    limit = number_of("dead letters", 1, MOST_LISTED)
    listing.add_argument("--limit", type=limit, default=LISTED, help="how many to list")
    showing = add("show", _show_letter, "all about one")
    showing.add_argument("id", help="a message's id, as listed")
    replaying = add("replay", _replay_letters, "give one, or all, back")
    dropping = add("drop", _drop_letters, "delete one, or all, for good")
    for changing in (replaying, dropping):
        chosen = changing.add_mutually_exclusive_group(required=True)
        chosen.add_argument("id", nargs="?", help="a message's id, as listed")
        chosen.add_argument("--all", action="store_true", help="all there are")
    dropping.add_argument(
        "--because", type=sentence, required=True, help="why; is recorded"
    )


def _tell(content: object) -> None:
    sys.stdout.write(json.dumps(content, default=str, ensure_ascii=False) + "\n")
