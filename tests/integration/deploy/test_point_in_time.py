"""Back to a point in time, on a real server, by the commands of the page itself."""

import asyncio
import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import pytest

from deploy.audit import check_services
from deploy.local.ports import free_ports
from deploy.local.postgres import PrivatePostgres
from deploy.operate import archive
from deploy.operate.programs import connection_environment
from deploy.operate.targets import SERVICES, Targets
from deploy.postgres.bootstrap import AUDITOR, bootstrap, owner_of, roles_of
from tests.integration.deploy.installations import (
    accounts,
    everything,
    fetch,
    migrate_all,
)

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/operating/backup.md"
SECTION = "## Back to a point in time"

RECOVERY_SECONDS = 60

pytestmark = pytest.mark.timeout(180)


@dataclass
class Site:
    """A server that nobody else uses, and the folders that the page speaks of."""

    server: PrivatePostgres
    targets: Targets
    told: dict[str, str]

    async def do(self, command: str) -> str:
        """Run it as the page says: as the server's user, or as an operator."""
        by_operator = command.startswith("operate ")
        user = None if by_operator else self.server.home.user
        done = await asyncio.to_thread(
            subprocess.run,
            ["sh", "-c", OPERATE + command if by_operator else command],
            env=self.told,
            cwd=ROOT if by_operator else "/",
            user=user.uid if user else None,
            group=user.gid if user else None,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    async def serve_when_not(self, recovering: str) -> None:
        """Start the server, and wait until it has played the log."""
        await self.server.start()
        async with asyncio.timeout(RECOVERY_SECONDS):
            while (await self.do(recovering)).strip() != "f":
                await asyncio.sleep(0.05)

    async def restart(self) -> None:
        await self.server.stop()
        await self.server.start()


OPERATE = f'operate() {{ {shlex.quote(sys.executable)} -m deploy.operate "$@"; }}\n'


def commands() -> list[str]:
    """Return the commands of the page, in its order."""
    section = PAGE.read_text().split(SECTION)[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [dedent(block) for block in blocks]


@pytest.fixture
def place() -> Iterator[Path]:
    """Yield a folder that the server's user can enter, unlike pytest's own."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
async def site(place: Path) -> AsyncIterator[Site]:
    """A new installation, on a server that outlives a kill."""
    server = PrivatePostgres(place / "postgres", free_ports(1)[0])
    await server.start()
    try:
        targets = await install(server, place / "blobs")
        yield Site(server, targets, told(server, targets))
    finally:
        await server.stop()


async def install(server: PrivatePostgres, blobs: Path) -> Targets:
    passwords = dict.fromkeys(roles_of(SERVICES), "test")
    urls = await bootstrap(server.url, SERVICES, passwords)
    await migrate_all(urls)
    return Targets(
        owners={service: urls[owner_of(service)] for service in SERVICES},
        auditors=dict.fromkeys(SERVICES, urls[AUDITOR]),
        amqp_url="",
        admin_url=server.url,
        processes={},
        blobs=blobs,
        backups=None,
    )


def told(server: PrivatePostgres, targets: Targets) -> dict[str, str]:
    """Return what the page's commands find in their environment."""
    home = server.home
    programs = Path(f"/proc/{server.pid}/exe").resolve().parent
    folders = {name: home.folder / name.lower() for name in ("ARCHIVE", "BASE")}
    for folder in folders.values():
        folder.mkdir()
        home.give(folder)
    owners = {f"{s}_owner_database_url".upper(): targets.owner(s) for s in SERVICES}
    return {
        **owners,
        **connection_environment(server.url),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "AUDIT_URL": targets.auditor("billing"),
        "BLOBS_DIR": str(targets.blobs),
        "PGDATA": str(home.folder / "data"),
        "KEPT": str(home.folder / "kept"),
        **{name: str(folder) for name, folder in folders.items()},
    }


async def test_what_was_before_the_moment_is_there_and_what_came_after_is_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure, save, keep, go_back, recovering, _, resend = commands()
    await register(site, "before-the-base@example.com")
    await site.do(configure)
    await site.restart()
    await site.do(save)

    await register(site, "before@example.com")
    owner = site.targets.owner("accounts")
    # The broker is to have lost them: no reader has them in its inbox.
    await fetch(owner, "UPDATE accounts.outbox SET published_at = now()")
    before, moment = await logged(site), await clock(site)
    await register(site, "after@example.com")
    after, later = await logged(site), await clock(site)
    assert before != after
    await register(site, "much-later@example.com")

    # Nothing more is archived: what the archive hasn't got lies in the old folder.
    await site.server.kill()
    await site.do(keep)
    site.told["MOMENT"] = moment
    await site.do(go_back)
    await site.serve_when_not(recovering)
    assert await logged(site) == before

    monkeypatch.setenv("BLOBS_DIR", str(site.targets.blobs))
    urls = {service: site.targets.auditor(service) for service in SERVICES}
    assert all(finding.agrees for finding in await check_services(urls))
    sent = await site.do(resend)
    assert f"{len(before['accounts.outbox'])} will be sent again" in sent

    # It was a wrong moment, and life has gone on from there: a later one, then.
    await register(site, "meanwhile@example.com")
    await fetch(site.server.url, "SELECT pg_switch_wal()")
    await site.server.stop()
    site.told["MOMENT"] = later
    await site.do(go_back)
    await site.serve_when_not(recovering)
    assert await logged(site) == after

    # The next base is of a server that has gone back; it stops at no moment of before.
    name_next_folders(site)
    await site.do(save)
    await register(site, "after-the-next-base@example.com")
    latest = await logged(site)
    await site.server.kill()
    await site.do(keep)
    await site.do(without_moment(go_back))
    await site.serve_when_not(recovering)
    assert await logged(site) == latest


def name_next_folders(site: Site) -> None:
    """Name folders for another base, and for what is kept when going back to it."""
    base = site.server.home.folder / "next-base"
    base.mkdir()
    site.server.home.give(base)
    site.told |= {"BASE": str(base), "KEPT": str(base.with_name("next-kept"))}


def without_moment(go_back: str) -> str:
    """Return the commands that take all there is, as the page says."""
    kept = [line for line in go_back.splitlines() if "$MOMENT" not in line]
    assert len(kept) == len(go_back.splitlines()) - 1
    return "\n".join(kept)


def test_attachments_that_were_lost_are_brought_back_and_no_other_is_touched(
    tmp_path: Path,
) -> None:
    *_, bring_files, _ = commands()
    blobs = tmp_path / "blobs"
    lost, changed = blobs / "ab/0123456789ab", blobs / "cd/0123456789cd"
    for path in (lost, changed):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"saved")
    archive.pack(blobs, tmp_path / archive.NAME)
    lost.unlink()
    changed.write_bytes(b"there")
    told = {"BACKUP": str(tmp_path), "BLOBS_DIR": str(blobs)}
    subprocess.run(["/bin/sh", "-c", bring_files], env=os.environ | told, check=True)  # noqa: S603 - of our own page
    assert (lost.read_bytes(), changed.read_bytes()) == (b"saved", b"there")


async def logged(site: Site) -> dict[str, list[str]]:
    """Return all rows but those of tables that any crash empties, on purpose."""
    unlogged = await fetch(
        site.targets.owner("accounts"),
        """
        SELECT relnamespace::regnamespace::text || '.' || relname AS name FROM pg_class
        WHERE relkind = 'r' AND relpersistence = 'u'
        """,
    )
    names = {row["name"] for row in unlogged}
    found = await everything(site.targets)
    return {table: rows for table, rows in found.items() if table not in names}


async def register(site: Site, email: str) -> None:
    async with accounts(site.targets) as stage:
        await stage.register(email=email)


async def clock(site: Site) -> str:
    [row] = await fetch(site.server.url, "SELECT clock_timestamp()::text AS now")
    return row["now"]
