"""`python -m deploy.operate COMMAND`: operators' chores; docs/operating tells how."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import date, timedelta
from typing import TypeAlias

from chassis.commandline import number_of, sentence, tell_whatever_it_is
from chassis.deadletters import LISTED, MOST_LISTED
from chassis.logs import quiet_broker_libraries
from chassis.migrations import CannotMigrate
from deploy.audit import audit, report
from deploy.compose import secretfiles
from deploy.local.faults import CannotStart
from deploy.operate import doctor, letters, messages
from deploy.operate.backup import back_up
from deploy.operate.bounds import day, days, folder, seconds
from deploy.operate.console import say
from deploy.operate.days import tell_due
from deploy.operate.faults import FAULTS, CannotOperate, said_of
from deploy.operate.marks import refuse_unfinished
from deploy.operate.passing import service_command
from deploy.operate.projections import rebuild
from deploy.operate.restore import restore
from deploy.operate.rotation import (
    LOOKING,
    STEPS,
    SUPERUSER,
    change_broker_password,
    change_database_passwords,
    change_grafana_password,
)
from deploy.operate.stopping import cancel_on_signals, interrupt_on_signals
from deploy.operate.targets import SERVICES, Targets, reached
from deploy.operate.vault import open_vault

#: Returns the exit code: 1 where something is not as it should be.
Command: TypeAlias = Callable[[Targets, argparse.Namespace], Coroutine[None, None, int]]
AddCommand: TypeAlias = Callable[[str, Command, str], argparse.ArgumentParser]

#: An event that was published so long ago should have been handled.
ON_ITS_WAY_SECONDS = 60.0
AUDIT_WAIT_SECONDS = 30.0
#: What was told takes its time to be handled.
REBUILD_SECONDS = 300.0
#: Billing's own default; a company that chose another says so.
LEAD_DAYS = 10


def main() -> None:
    """Do what the command line says, and exit."""
    arguments = parser().parse_args()
    tell_whatever_it_is()
    quiet_broker_libraries()
    interrupt_on_signals()
    try:
        if arguments.command is None:
            arguments.change(arguments)
        else:
            sys.exit(asyncio.run(_run(arguments)))
    except (CannotOperate, CannotStart, CannotMigrate) as fault:
        sys.exit(str(fault))
    except FAULTS as fault:
        sys.exit(said_of(fault))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("stopped")


async def _run(arguments: argparse.Namespace) -> int:
    cancel_on_signals()
    command: Command = arguments.command
    async with reached() as targets:
        if targets.blobs is not None:
            # Where tickets' own checks look for the bytes.
            os.environ["BLOBS_DIR"] = str(targets.blobs)
        return await command(targets, arguments)


async def _back_up(targets: Targets, arguments: argparse.Namespace) -> int:
    await back_up(targets, _services(arguments), arguments.folder)
    return 0


async def _restore(targets: Targets, arguments: argparse.Namespace) -> int:
    agrees = await restore(
        targets,
        _services(arguments),
        arguments.folder,
        into=arguments.into,
        aside=arguments.set_aside,
    )
    return 0 if agrees else 1


async def _audit(targets: Targets, arguments: argparse.Namespace) -> int:
    urls = {name: targets.auditor(name) for name in SERVICES}
    findings = await audit(urls, wait_seconds=arguments.seconds)
    say(report(findings))
    return 0 if all(finding.agrees for finding in findings) else 1


async def _doctor(targets: Targets, _arguments: argparse.Namespace) -> int:
    wrong = 0
    async for finding in doctor.examine(targets):
        say(str(finding))
        wrong += bool(finding.wrong)
    say(f"{wrong} things are wrong" if wrong else "nothing is wrong")
    return 1 if wrong else 0


async def _list_letters(targets: Targets, arguments: argparse.Namespace) -> int:
    chosen = _services(arguments)
    count = await letters.list_letters(targets, chosen, limit=arguments.limit)
    return 1 if count else 0


async def _show_letter(targets: Targets, arguments: argparse.Namespace) -> int:
    await letters.show_letter(targets, arguments.id, _services(arguments))
    return 0


async def _replay_letters(targets: Targets, arguments: argparse.Namespace) -> int:
    await letters.replay(targets, arguments.id, _services(arguments))
    return 0


async def _drop_letters(targets: Targets, arguments: argparse.Namespace) -> int:
    chosen = _services(arguments)
    await letters.drop(targets, arguments.id, chosen, arguments.because)
    return 0


async def _rebuild(targets: Targets, arguments: argparse.Namespace) -> int:
    await refuse_unfinished(targets, SERVICES)
    agrees = await rebuild(
        targets,
        arguments.reader,
        arguments.objects,
        wait_seconds=arguments.seconds,
    )
    return 0 if agrees else 1


async def _due(targets: Targets, arguments: argparse.Namespace) -> int:
    await tell_due(targets, arguments.on, arguments.lead_days)
    return 0


async def _resend(targets: Targets, arguments: argparse.Namespace) -> int:
    await refuse_unfinished(targets, SERVICES)
    older_than = timedelta(seconds=arguments.older_than)
    lost = await messages.unheard(targets, older_than=older_than)
    for event in lost:
        say(f"{event.type} {event.event_id}: not heard by {', '.join(event.readers)}")
    if not lost:
        say("every event has been heard")
    elif arguments.yes:
        await messages.resend(targets, lost)
        say(f"{len(lost)} will be sent again")
    else:
        say(f"{len(lost)} were never heard; say --yes to have them sent again")
    return 0 if arguments.yes or not lost else 1


def _change_key(arguments: argparse.Namespace) -> None:
    STEPS[arguments.secret][arguments.step](open_vault())


def _change_database_password(arguments: argparse.Namespace) -> None:
    change_database_passwords(open_vault(), arguments.service)


def _change_grafana_password(_: argparse.Namespace) -> None:
    change_grafana_password(open_vault())


def _change_broker_password(arguments: argparse.Namespace) -> None:
    change_broker_password(open_vault(), arguments.process)


def _pass_on(arguments: argparse.Namespace) -> None:
    sys.exit(asyncio.run(service_command(arguments.name, arguments.rest)))


def _services(arguments: argparse.Namespace) -> Sequence[str]:
    """Return those chosen, each once and in our order; all, where none is."""
    chosen: Sequence[str] = arguments.service or SERVICES
    return tuple(name for name in SERVICES if name in chosen)


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="python -m deploy.operate")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    add = _adding(commands.add_parser)
    _add_saving(add)
    _add_looking(add)
    dead = "dead letters: what no retry could handle"
    actions = commands.add_parser("letters", help=dead, description=dead)
    _add_letters(
        _adding(actions.add_subparsers(required=True, metavar="ACTION").add_parser)
    )
    _add_messages(add)
    passing = commands.add_parser("on", help="run a service's own command")
    passing.add_argument("name", choices=SERVICES)
    passing.add_argument("rest", nargs=argparse.REMAINDER)
    passing.set_defaults(command=None, change=_pass_on)
    _add_rotation(commands.add_parser("rotate", help="exchange a secret, step by step"))
    return whole


def _adding(add_parser: Callable[..., argparse.ArgumentParser]) -> AddCommand:
    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        return added

    return add


def _add_saving(add: AddCommand) -> None:
    saving = add("backup", _back_up, "save all services, or some, as of one instant")
    saving.add_argument(
        "folder", nargs="?", type=folder, help="default: in BACKUPS_DIR"
    )
    _choose_services(saving)
    restoring = add("restore", _restore, "bring a backup back, and prove it")
    restoring.add_argument("folder", type=folder)
    restoring.add_argument(
        "--into", default="", metavar="HOST:PORT/DATABASE", help="the target, by name"
    )
    restoring.add_argument(
        "--set-aside",
        action="store_true",
        help="keep what is there under another name, instead of refusing",
    )
    _choose_services(restoring)


def _add_looking(add: AddCommand) -> None:
    add("doctor", _doctor, "say what is wrong now, and what to do")
    auditing = add("audit", _audit, "prove that money and messages agree")
    auditing.add_argument(
        "seconds",
        nargs="?",
        type=seconds,
        default=AUDIT_WAIT_SECONDS,
        help="how long to wait for the system to come to rest",
    )
    due = add("due", _due, "say what billing's daily run has to do")
    due.add_argument("--on", type=day, default=date.today())  # noqa: DTZ011 - the operator's day; any other can be named
    due.add_argument("--lead-days", type=days, default=LEAD_DAYS)


def _add_letters(add: AddCommand) -> None:
    listing = add("list", _list_letters, "one line for each, the oldest first")
    limit = number_of("dead letters", 1, MOST_LISTED)
    listing.add_argument(
        "--limit", type=limit, default=LISTED, help="how many of each service"
    )
    showing = add("show", _show_letter, "all about one")
    showing.add_argument("id", help="a message's id, as listed")
    replaying = add("replay", _replay_letters, "give one, or all, back")
    dropping = add("drop", _drop_letters, "delete one, or all, for good")
    dropping.add_argument(
        "--because", type=sentence, required=True, help="why; is recorded"
    )
    for changing in (replaying, dropping):
        chosen = changing.add_mutually_exclusive_group(required=True)
        chosen.add_argument("id", nargs="?", help="a message's id, as listed")
        chosen.add_argument("--all", action="store_true", help="all there are")
    for each in (listing, showing, replaying, dropping):
        _choose_services(each)


def _add_messages(add: AddCommand) -> None:
    resending = add("resend", _resend, "list events that a reader never got")
    resending.add_argument("--yes", action="store_true", help="send them again")
    resending.add_argument(
        "--older-than",
        type=seconds,
        default=ON_ITS_WAY_SECONDS,
        metavar="SECONDS",
        help="leave out what may be on its way; 0 where nothing runs",
    )
    rebuilding = add("rebuild", _rebuild, "rebuild a service's copies of others'")
    rebuilding.add_argument("reader", choices=SERVICES)
    rebuilding.add_argument("objects", nargs="?", help="such as customers; else all")
    rebuilding.add_argument("--seconds", type=seconds, default=REBUILD_SECONDS)


def _add_rotation(parser: argparse.ArgumentParser) -> None:
    """What changes where secrets are kept, and reaches no server."""
    secrets = parser.add_subparsers(required=True, metavar="SECRET")
    for name, steps in STEPS.items():
        key = secrets.add_parser(name)
        key.add_argument("step", choices=steps)
        key.set_defaults(command=None, change=_change_key, secret=name)
    database = secrets.add_parser("database-password")
    database.add_argument("service", choices=(*SERVICES, *LOOKING, SUPERUSER))
    database.set_defaults(command=None, change=_change_database_password)
    grafana = secrets.add_parser("grafana-password")
    grafana.set_defaults(command=None, change=_change_grafana_password)
    broker = secrets.add_parser("broker-password")
    broker.add_argument("process", choices=tuple(secretfiles.broker_files().values()))
    broker.set_defaults(command=None, change=_change_broker_password)


def _choose_services(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--service",
        action="append",
        choices=SERVICES,
        help="this one alone; may be repeated",
    )


if __name__ == "__main__":
    main()
