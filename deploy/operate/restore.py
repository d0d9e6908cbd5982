"""Brings a backup back, whole or one service, and proves that it is what was saved.

Nothing is ever overwritten: a schema that holds anything is refused, or set aside under
another name where that is asked for. What fails is undone; what is killed is marked, so
that nothing works with half of it, and goes on when it is done again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from chassis.db import open_database
from chassis.migrations import migrations_of
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.audit import Finding, check_services, report
from deploy.operate import archive, manifest, marks, programs, schemas
from deploy.operate.backup import WITH_BLOBS, dump_name
from deploy.operate.console import doing, say
from deploy.operate.faults import CannotOperate
from deploy.operate.letters import broker, queue_state
from deploy.operate.manifest import Manifest, SavedService
from deploy.operate.messages import resend, unheard
from deploy.operate.reunion import reunite
from deploy.operate.rooms import alone, bring_schema_up, emptied, ended
from deploy.operate.snapshots import connected, count_rows, ledger_head
from deploy.operate.targets import Targets, place
from deploy.processes import SERVICES as PROCESSES
from services.billing.commands.ledger import seal_entries

SEAL_CHUNK = 1000
#: What was published so long before a backup counts as after it: clocks differ.
CLOCKS_DIFFER = timedelta(hours=1)


async def restore(
    targets: Targets,
    services: Sequence[str],
    folder: Path,
    *,
    into: str,
    aside: bool,
) -> bool:
    """Restore these services from the backup; return whether all checks agree.

    `into` names the databases, as `host:port/database`. `aside` keeps what is there
    under another name, as superuser, instead of refusing.
    """
    saved = manifest.read(folder)
    _refuse_foreign(saved, services)
    _refuse_elsewhere(targets, services, into)
    with doing("checking the backup's files"):
        manifest.verify(folder, saved)
    if WITH_BLOBS in services:
        archive.refuse_unwritable(targets.folder("blobs"))
    some = set(services) < set(targets.owners)
    mark = marks.mark_of(services, folder, into=into, aside=aside)
    async with alone(targets, services):
        if not await ended(targets, mark):
            async with emptied(targets, services, mark, aside=aside):
                await _load_all(targets, services, saved, folder)
                await _bring_up_to_date(targets, services, saved.taken_at)
                if some:
                    await reunite(targets, services, saved.taken_at)
    if not some:
        await _warn_of_the_future(targets)
    return await _judge(targets, services)


def _refuse_foreign(saved: Manifest, services: Sequence[str]) -> None:
    known = {p.name: {m.name for m in migrations_of(p.package)} for p in PROCESSES}
    for service in services:
        if service not in saved.services:
            raise CannotOperate(f"The backup has no {service}.")
        if newer := set(saved.services[service].migrations) - known[service]:
            raise CannotOperate(
                f"The backup is of release {saved.release}, newer than this one: it has"
                f" {service}'s migration {min(newer)}. Use that release."
            )


def _refuse_elsewhere(targets: Targets, services: Sequence[str], into: str) -> None:
    places = ",".join(dict.fromkeys(place(targets.owner(name)) for name in services))
    if into != places:
        raise CannotOperate(
            f"This would restore into {places}: say so with --into {places}"
        )


async def _load_all(
    targets: Targets, services: Sequence[str], saved: Manifest, folder: Path
) -> None:
    for service in services:
        with doing(f"restoring {service}"):
            await _load(targets, service, saved.services[service], folder)
            # Before any migration: it leaves to these whose its tables are.
            async with connected(targets.owner(service)) as owner:
                await schemas.restore_grants(owner, service)
    if WITH_BLOBS in services:
        with doing("restoring attachments"):
            count = archive.unpack(folder / archive.NAME, targets.folder("blobs"))
        say(f"attachments: {count} files")


async def _load(
    targets: Targets, service: str, saved: SavedService, folder: Path
) -> None:
    """Load the dump in one transaction, and count what came."""
    url = targets.owner(service)
    async with connected(url) as owner:
        version = owner.get_server_version().major
        if version < saved.server_version:
            raise CannotOperate(
                f"The backup is of PostgreSQL {saved.server_version}, the server has"
                f" {version}: restore into {saved.server_version} or newer."
            )
        await programs.run(
            programs.program("pg_restore", version),
            "--single-transaction",
            "--no-owner",
            f"--schema={service}",
            f"--dbname={programs.connection_environment(url)['PGDATABASE']}",
            folder / dump_name(service),
            url=url,
        )
        await _compare(owner, service, saved)
        await owner.execute("ANALYZE")


async def _compare(
    owner: asyncpg.Connection, service: str, saved: SavedService
) -> None:
    rows = await count_rows(owner, service)
    if rows != saved.rows:
        wrong = min(
            table
            for table in rows.keys() | saved.rows.keys()
            if rows.get(table) != saved.rows.get(table)
        )
        raise CannotOperate(
            f"{service}.{wrong} has {rows.get(wrong)} rows, the manifest says"
            f" {saved.rows.get(wrong)}."
        )
    say(f"{service}: {len(rows)} tables, {sum(rows.values())} rows, as saved")
    if saved.ledger is None:
        return
    head = await ledger_head(owner)
    if head is None or head != saved.ledger:
        raise CannotOperate("The ledger's hash chain doesn't end as the manifest says.")
    say(f"ledger: {head.position} entries sealed, the last as {head.hash}, as saved")


async def _bring_up_to_date(
    targets: Targets, services: Sequence[str], taken_at: datetime
) -> None:
    """Do what the release, the sealing job and the lost broker owe to the rows."""
    for name in services:
        # What the backup's release didn't read yet came to nobody before it.
        for applied in await bring_schema_up(
            targets, name, since=taken_at - CLOCKS_DIFFER
        ):
            say(f"{name}: migrated by {applied}")
    if "billing" in services:
        await _seal(targets)
    lost = await unheard(targets, older_than=timedelta())
    for producer, count in (await resend(targets, lost)).items():
        say(f"{producer}: {count} events had not reached a reader, and will be sent")


async def _warn_of_the_future(targets: Targets) -> None:
    """Say so if the broker still has events from after the backup."""
    if not targets.amqp_url:
        return
    try:
        async with broker(targets) as connection:
            states = [await queue_state(connection, name) for name in SUBSCRIPTIONS]
    except CannotOperate:
        return  # one that isn't there yet has nothing
    if waiting := sum(count for count, _ in states):
        say(
            f"WARNING: the broker holds {waiting} events of a time that is gone: empty"
            " it before you start the processes, as docs/operating/backup.md tells"
        )


async def _seal(targets: Targets) -> None:
    """Seal the entries that the snapshot caught before the job did."""
    async with open_database(targets.owner("billing"), schema="billing") as database:
        sealed = SEAL_CHUNK
        while sealed == SEAL_CHUNK:
            async with database.transaction() as tx:
                sealed = await seal_entries(tx, SEAL_CHUNK)


async def _judge(targets: Targets, services: Sequence[str]) -> bool:
    with doing("auditing"):
        urls = {name: targets.auditor(name) for name in services}
        findings: list[Finding] = await check_services(urls)
    waiting = [each for each in findings if each.once_running and not each.agrees]
    settled = [each for each in findings if each not in waiting]
    say(report(settled))
    for each in waiting:
        say(f"{each.service} goes on, when it runs, with what it had in hand")
    say("start the processes, then: python -m deploy.operate audit")
    return all(finding.agrees for finding in settled)
