"""Operators' chores on real servers: backups, projections, dead letters, doctor."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aio_pika
import asyncpg
import pytest

from chassis import topology
from chassis.bus import connect
from chassis.db import open_database
from chassis.ids import uuid7
from chassis.migrations import migrate
from chassis.schema import dump_schema
from chassis.topology import dead_queue
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.operate import doctor, letters, manifest, messages, projections, reunion
from deploy.operate.backup import back_up
from deploy.operate.faults import CannotOperate
from deploy.operate.restore import restore
from deploy.operate.targets import SERVICES, Targets, place
from deploy.postgres.bootstrap import AUDITOR, bootstrap, dsns, owner_of, roles_of
from services.accounts.app import PROCESS as ACCOUNTS
from services.tickets.app import PROCESS as TICKETS
from tests.integration.accounts.stage import LINK_KEY, Stage, settings, staged
from tests.support.running import running
from tests.support.servers import Servers

ROOT = Path(__file__).parents[3]
WAIT_SECONDS = 30


@dataclass(frozen=True)
class Installed:
    """Two databases to be copied: as after bootstrap, and migrated as well."""

    servers: Servers
    bare: str
    migrated: str

    def urls(self, database: str) -> dict[str, str]:
        passwords = dict.fromkeys(roles_of(SERVICES), "test")
        return dsns(self.servers.postgres, SERVICES, passwords, database)


@pytest.fixture(scope="module")
def installed(servers: Servers) -> Iterator[Installed]:
    """Made once: it takes longer than most of these tests."""
    name = f"test_operate_{uuid7().hex}"
    made = Installed(servers, f"{name}_bare", f"{name}_migrated")
    with asyncio.Runner() as runner:
        runner.run(_install(made))
        yield made
        for database in (made.bare, made.migrated):
            runner.run(_administer(servers, f"DROP DATABASE {database} WITH (FORCE)"))


async def _install(made: Installed) -> None:
    passwords = dict.fromkeys(roles_of(SERVICES), "test")
    await bootstrap(made.servers.postgres, SERVICES, passwords, made.bare)
    await _administer(
        made.servers, f"CREATE DATABASE {made.migrated} TEMPLATE {made.bare}"
    )
    for service in SERVICES:
        url = made.urls(made.migrated)[owner_of(service)]
        await migrate(url, schema=service, package=f"services.{service}")


async def _administer(servers: Servers, sql: str) -> None:
    admin = await asyncpg.connect(servers.postgres)
    await admin.execute(sql)
    await admin.close()


@asynccontextmanager
async def installation(
    installed: Installed, template: str, folder: Path, amqp_url: str
) -> AsyncGenerator[Targets]:
    """Make a database for all services, as a new installation has it."""
    name = f"test_operate_{uuid7().hex}"
    await _administer(installed.servers, f"CREATE DATABASE {name} TEMPLATE {template}")
    urls = installed.urls(name)
    try:
        yield Targets(
            owners={service: urls[owner_of(service)] for service in SERVICES},
            auditors=dict.fromkeys(SERVICES, urls[AUDITOR]),
            amqp_url=amqp_url,
            admin_url=installed.servers.postgres,
            processes={},
            blobs=folder / "blobs",
            backups=None,
        )
    finally:
        await _administer(installed.servers, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def here(
    installed: Installed,
    tmp_path: Path,
    amqp_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Targets]:
    """An installation with a customer and a stored file."""
    monkeypatch.setenv("BLOBS_DIR", str(tmp_path / "elsewhere" / "blobs"))
    async with (
        connect(amqp_url, "test") as connection,
        installation(
            installed, installed.migrated, tmp_path / "here", amqp_url
        ) as targets,
    ):
        await topology.declare(connection, SUBSCRIPTIONS)
        async with accounts(targets) as stage:
            await stage.register()
        stored = targets.folder("blobs") / "ab" / "0123456789ab"
        stored.parent.mkdir(parents=True)
        stored.write_bytes(b"proof")
        yield targets


@pytest.fixture
async def elsewhere(
    installed: Installed,
    tmp_path: Path,
    amqp_url: str,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Targets]:
    """An installation that was never used; "migrated" where that is asked for."""
    name = getattr(request, "param", "bare")
    template = installed.migrated if name == "migrated" else installed.bare
    async with installation(
        installed, template, tmp_path / "elsewhere", amqp_url
    ) as targets:
        yield targets


@asynccontextmanager
async def accounts(targets: Targets) -> AsyncGenerator[Stage]:
    url = targets.owner("accounts")
    async with (
        open_database(url, schema="accounts", pool_size=2) as database,
        staged(database) as stage,
    ):
        yield stage


async def fetch(url: str, sql: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(sql, *arguments)
    finally:
        await connection.close()


async def everything(targets: Targets) -> dict[str, list[str]]:
    """Return every row of every table of every service, as text."""
    found: dict[str, list[str]] = {}
    for service in SERVICES:
        url = targets.auditor(service)
        tables = await fetch(
            url,
            "SELECT tablename AS name FROM pg_tables WHERE schemaname = $1",
            service,
        )
        for table in [f"{service}.{row['name']}" for row in tables]:
            rows = await fetch(url, f"SELECT t::text AS content FROM {table} t")  # noqa: S608 - our own
            found[table] = sorted(row["content"] for row in rows)
    return found


def into(targets: Targets) -> str:
    return place(targets.owner("billing"))


async def put(url: str, queue: str, message_id: str) -> None:
    """Put a message into a queue."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        body = json.dumps({"data": {"reset_token": "abc", "name": "Ana"}}).encode()
        message = aio_pika.Message(
            body,
            message_id=message_id,
            type="accounts.customer.updated.v1",
            headers={"error": "KeyError: 'x'"},
        )
        await channel.default_exchange.publish(message, queue)


@pytest.mark.parametrize("elsewhere", ["bare", "migrated"], indirect=True)
async def test_what_is_restored_is_what_was_saved(
    here: Targets, elsewhere: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    assert await restore(elsewhere, SERVICES, backup, into=into(elsewhere), aside=False)
    assert await everything(elsewhere) == await everything(here)
    stored = elsewhere.folder("blobs") / "ab" / "0123456789ab"
    assert stored.read_bytes() == b"proof"
    for service in SERVICES:
        schema = (ROOT / f"services/{service}/schema.sql").read_text()
        assert await dump_schema(elsewhere.owner(service), service) == schema


async def test_rights_are_restored_and_tables_to_come_get_theirs(
    here: Targets, elsewhere: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    await restore(elsewhere, SERVICES, backup, into=into(elsewhere), aside=False)
    rights = """
        SELECT c.oid::regclass::text AS name, r.role,
               (SELECT array_agg(p.may ORDER BY p.may)
                FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p(may)
                WHERE has_table_privilege(r.role, c.oid, p.may)) AS rights
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
             unnest($2::text[]) r(role)
        WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY 1, 2
    """
    for service in SERVICES:
        owner = await asyncpg.connect(elsewhere.owner(service))
        await owner.execute(f"CREATE TABLE {service}.later (id int)")
        roles = [service, AUDITOR]
        restored = await owner.fetch(rights, service, roles)
        await owner.execute(f"DROP TABLE {service}.later")
        await owner.close()
        later = {r["role"]: r["rights"] for r in restored if "later" in r["name"]}
        assert later[service] == ["DELETE", "INSERT", "SELECT", "UPDATE"]
        assert later[AUDITOR] == ["SELECT"]
        original = await fetch(here.owner(service), rights, service, roles)
        assert [r for r in restored if "later" not in r["name"]] == original


async def test_a_restore_warns_of_events_that_are_younger_than_it(
    here: Targets,
    elsewhere: Targets,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    await put(elsewhere.amqp_url, "tickets", "one")
    await restore(elsewhere, SERVICES, backup, into=into(elsewhere), aside=False)
    assert "the broker holds 1 events" in capsys.readouterr().out


async def test_what_holds_anything_is_refused_and_stays_as_it_is(
    here: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    before = await everything(here)
    with pytest.raises(CannotOperate, match="accounts: there is something in it"):
        await restore(here, SERVICES, backup, into=into(here), aside=False)
    assert await everything(here) == before


async def test_what_was_there_can_be_kept_under_another_name(
    here: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    before = await everything(here)
    async with accounts(here) as stage:
        await stage.register(email="later@example.com")
    assert await restore(here, ["accounts"], backup, into=into(here), aside=True)
    after = await everything(here)
    assert after["accounts.users"] == before["accounts.users"]
    [kept] = await fetch(
        here.owner("accounts"),
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'accounts_until_%'",
    )
    rows = await fetch(
        here.owner("accounts"),
        f"SELECT email FROM {kept['nspname']}.users",  # noqa: S608 - our own
    )
    assert "later@example.com" in {row["email"] for row in rows}


@pytest.mark.parametrize("aside", [True, False])
async def test_a_restore_that_fails_leaves_everything_as_it_was(
    here: Targets, elsewhere: Targets, tmp_path: Path, *, aside: bool
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    (backup / "notifier.dump").write_bytes(b"PGDMP and nothing after it")
    saved = manifest.read(backup)
    files = manifest.describe_all(backup)
    spoilt = [file for file in files if file.name != manifest.NAME]
    manifest.write(backup, saved.model_copy(update={"files": spoilt}))
    target = here if aside else elsewhere
    before = await everything(target)
    with pytest.raises(CannotOperate, match="pg_restore failed"):
        await restore(target, SERVICES, backup, into=into(target), aside=aside)
    after = await everything(target)
    assert after.keys() == before.keys()
    # Those that nobody had used yet are migrated anew.
    assert {table for table in after if after[table] != before[table]} <= {
        f"{service}.schema_migrations" for service in SERVICES
    }


async def test_a_backup_that_is_not_what_was_saved_is_refused(
    here: Targets, elsewhere: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    with (backup / "billing.dump").open("ab") as file:
        file.write(b"!")
    with pytest.raises(CannotOperate, match="is not what was saved"):
        await restore(elsewhere, SERVICES, backup, into=into(elsewhere), aside=False)
    with pytest.raises(CannotOperate, match="is no backup"):
        await restore(elsewhere, SERVICES, tmp_path, into=into(elsewhere), aside=False)
    with pytest.raises(CannotOperate, match=f"--into {into(elsewhere)}"):
        await restore(elsewhere, SERVICES, backup, into="", aside=False)


async def test_a_backup_of_a_newer_release_is_refused(
    here: Targets, elsewhere: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, ["notifier"], tmp_path / "backup")
    saved = manifest.read(backup)
    notifier = saved.services["notifier"].model_copy(
        update={"migrations": ["9999_from_tomorrow"]}
    )
    newer = saved.model_copy(update={"services": {"notifier": notifier}})
    manifest.write(backup, newer)
    with pytest.raises(CannotOperate, match="9999_from_tomorrow"):
        await restore(
            elsewhere, ["notifier"], backup, into=into(elsewhere), aside=False
        )


async def test_a_backup_never_takes_a_folder_that_is_there(
    here: Targets, tmp_path: Path
) -> None:
    with pytest.raises(CannotOperate, match="is there already"):
        await back_up(here, SERVICES, tmp_path)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(CannotOperate, match="can't be made"):
        await back_up(here, SERVICES, file / "backup")


async def test_an_event_that_was_lost_on_its_way_is_sent_again(here: Targets) -> None:
    owner = here.owner("accounts")
    await fetch(owner, "UPDATE accounts.outbox SET published_at = now()")
    lost = await messages.unheard(here, older_than=timedelta())
    assert {event.type for event in lost} == {
        "accounts.customer.registered.v1",
        "accounts.email_verification.requested.v1",
    }
    await messages.resend(here, lost)
    rows = await fetch(owner, "SELECT FROM accounts.outbox WHERE published_at IS NULL")
    assert len(rows) == len(lost)
    assert await messages.unheard(here, older_than=timedelta()) == []


async def test_a_service_that_went_back_in_time_is_heard_by_the_others_again(
    here: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    [ana] = await fetch(here.owner("accounts"), "SELECT id FROM accounts.customers")
    event_id = uuid7()
    await fetch(
        here.owner("billing"),
        "INSERT INTO billing.customers (id, version, name, email, language, country,"
        " currency) VALUES ($1, 7, 'Ana', 'a@example.com', 'en', 'BR', 'BRL')",
        ana["id"],
    )
    await fetch(
        here.owner("billing"),
        "INSERT INTO billing.inbox (consumer, event_id, type) VALUES"
        " ('billing', $1, 'accounts.customer.updated.v1')",
        event_id,
    )
    await restore(here, ["accounts"], backup, into=into(here), aside=True)
    [row] = await fetch(
        here.owner("accounts"), "SELECT version FROM accounts.customers"
    )
    assert row["version"] == 8
    told = await fetch(
        here.owner("accounts"),
        "SELECT version FROM accounts.outbox WHERE republished AND subject = $1",
        ana["id"],
    )
    assert [event["version"] for event in told] == [8]
    since = manifest.read(backup).taken_at
    lost = await reunion.forgotten(here, "accounts", since)
    assert lost == {"accounts.customer.updated.v1": 1}


async def test_a_projection_that_went_wrong_is_rebuilt(here: Targets) -> None:
    given = {"amqp_url": here.amqp_url}
    async with (
        running(
            ACCOUNTS,
            **given,
            database_url=here.owner("accounts"),
            parts={"relay"},
            signing_key=settings().signing_key,
            link_key=LINK_KEY,
        ),
        running(
            TICKETS,
            **given,
            database_url=here.owner("tickets"),
            parts={"consumers"},
            blobs_dir=here.blobs,
        ),
    ):
        assert await projections.rebuild(
            here, "tickets", "customers", wait_seconds=WAIT_SECONDS
        )
        await fetch(here.owner("tickets"), "DELETE FROM tickets.customers")
        assert await projections.rebuild(
            here, "tickets", None, wait_seconds=WAIT_SECONDS
        )
    [count] = await fetch(
        here.owner("tickets"), "SELECT count(*) FROM tickets.customers"
    )
    assert count["count"] == 1


async def test_dead_letters_of_all_services_are_seen_replayed_and_dropped(
    here: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    await put(here.amqp_url, dead_queue("tickets"), "one")
    await put(here.amqp_url, dead_queue("notifier"), "two")
    assert await letters.list_letters(here, list(SUBSCRIPTIONS), limit=10) == 2
    await letters.show_letter(here, "one")
    said = capsys.readouterr().out
    assert "tickets   one" in said
    assert "Ana" in said
    assert "abc" not in said
    await letters.drop(here, "one", (), "nobody needs it")
    [noted] = await fetch(
        here.owner("tickets"),
        "SELECT details ->> 'reason' AS reason FROM tickets.audit_log",
    )
    assert noted["reason"].startswith("nobody needs it")
    await letters.replay(here, "two", ())
    assert await letters.list_letters(here, list(SUBSCRIPTIONS), limit=10) == 0
    with pytest.raises(CannotOperate, match="No dead letter has the id one"):
        await letters.show_letter(here, "one")


async def test_the_doctor_names_what_is_wrong(here: Targets) -> None:
    await put(here.amqp_url, dead_queue("notifier"), "one")
    await fetch(
        here.owner("accounts"),
        "UPDATE accounts.outbox SET emitted_at = now() - interval '5 minutes'",
    )
    await fetch(
        here.owner("billing"),
        "DELETE FROM billing.schema_migrations WHERE name LIKE '0003%'",
    )
    found = [finding async for finding in doctor.examine(here) if finding.wrong]
    wrong = {(finding.part, finding.seen): finding.wrong for finding in found}
    assert ("notifier", "1 dead letters") in wrong
    assert any("0003" in text for text in wrong.values())
    assert any(part == "accounts" and "to publish" in seen for part, seen in wrong)
    assert ("tickets", "0 events to handle, 0 readers") in wrong
    # Nothing runs here: every service with jobs is told of those that never ran.
    assert any("has never ended well" in text for text in wrong.values())


async def test_the_doctor_goes_on_where_nothing_answers() -> None:
    away = Targets(
        owners={},
        auditors=dict.fromkeys(SERVICES, "postgres://nobody:x@127.0.0.1:1/none"),
        amqp_url="amqp://nobody:x@127.0.0.1:1/",
        admin_url="",
        processes={"gateway": "http://127.0.0.1:1"},
        blobs=None,
        backups=None,
    )
    async with asyncio.timeout(WAIT_SECONDS):
        found = [finding async for finding in doctor.examine(away)]
    assert len(found) == 1 + len(SERVICES) + 1
    assert all(finding.wrong for finding in found)
