"""A disk that fills up under what `make run` keeps: a line, no crash loop, no loss."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from deploy.local import disk, room
from deploy.local.datafolder import DataFolder
from deploy.local.faults import CannotStart
from deploy.local.logs import ProcessLog
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ, turns_away
from deploy.local.supervisor import Supervisor
from deploy.local.waiting import poll
from tests.integration.local.disks import fill
from tests.integration.local.heard import Heard

FULL = Path("/dev/full")
ATTEMPTS = 50
SWITCH = "SELECT pg_switch_wal()"
NO_ROOM = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
WITHIN = 60


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_log_that_can_not_be_kept_costs_one_line_and_no_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    log = ProcessLog("web", tmp_path, shown.append)
    log.path.symlink_to(FULL)
    for line in ("one", "two"):
        log.write(line)
    lost, one, two = shown
    assert lost.startswith("      web | No space left on device: its log file gets")
    assert (one, two) == ("      web | one", "      web | two")
    log.close()
    log.path.unlink()
    log.write("three")
    log.close()
    assert log.path.read_text() == "three\n"
    assert capfd.readouterr() == ("", "")


def test_a_disk_without_room_is_refused_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LEAST_ROOM_BYTES", 2**62)
    with pytest.raises(CannotStart, match="is full: make room"):
        DataFolder(tmp_path / "data").make()
    server = PrivatePostgres(tmp_path / "server", free_ports(1)[0])
    with pytest.raises(CannotStart, match="is full: make room"):
        asyncio.run(server.start())
    server.home.remove()


async def test_a_disk_that_fills_up_is_said_once_and_so_is_its_end(
    tmp_path: Path, console: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([True, False, False, True, True])
    enough = asyncio.Event()

    def has_room(_: Path) -> bool:
        found = next(looks, None)
        if found is None:
            enough.set()
        return found is not False

    monkeypatch.setattr(room, "has_room", has_room)
    monkeypatch.setattr(room, "LOOK_SECONDS", 0)
    async with Supervisor(console) as supervisor, asyncio.timeout(WITHIN):
        supervisor.beside(room.tell_of_room(tmp_path, console))
        await enough.wait()
    full, over = console.said
    assert full.startswith(f"The disk of {tmp_path} is full: make room.")
    assert over == f"There is room again on the disk of {tmp_path}."


class Unlucky:
    """Lives until it is told to die, and finds no room to start again in."""

    name = "unlucky"
    alive = False
    starts = 0

    async def start(self) -> None:
        self.starts += 1
        if 1 < self.starts < 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.alive = True

    async def stop(self) -> None:
        self.alive = False


async def test_what_can_not_be_started_again_is_said_once_and_tried_on(
    console: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.supervisor.LONGEST_PAUSE_SECONDS", 0)
    unit = Unlucky()
    async with Supervisor(console) as supervisor:
        await supervisor.keep(unit)
        console.said.clear()
        unit.alive = False
        assert await poll(lambda: unit.alive, within=WITHIN)
        assert await poll(lambda: len(console.said) == 3, within=WITHIN)
    ended, why, ready = console.said
    assert ended.startswith("unlucky ended; starting it again")
    assert why.startswith("unlucky did not start: No space left on device\n")
    assert "ready in" in ready


class Refusing(PrivateRabbitMQ):
    """A node whose process is there, and nothing in it."""

    ended = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._has_served = True

    @property
    def alive(self) -> bool:
        return not self.ended

    async def kill(self) -> None:
        self.ended = True


async def test_a_broker_that_outlived_a_full_disk_and_refuses_everybody_is_ended(
    tmp_path: Path, console: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([True, False])

    def has_room(_: Path) -> bool:
        return next(looks, True)

    monkeypatch.setattr("deploy.local.rabbitmq.LOOK_SECONDS", 0)
    monkeypatch.setattr("deploy.local.rabbitmq.has_room", has_room)
    node = Refusing(tmp_path)
    async with Supervisor(console) as supervisor:
        supervisor.beside(node.end_when_it_turns_all_away())
        assert await poll(lambda: node.ended, within=WITHIN)


def test_who_hangs_up_turns_away_and_who_only_keeps_silent_does_not() -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        port = silent.getsockname()[1]
        assert not turns_away(port)
    assert turns_away(port)


async def insert_while_it_takes_any(connection: asyncpg.Connection) -> int:
    """Return how many rows the server acknowledged before it gave up, if it did."""
    count = 0
    for _ in range(ATTEMPTS):
        # Each file of the log needs room of its own; without it, Postgres ends.
        for sql in (SWITCH, "SELECT pg_logical_emit_message(false, 'x', 'y')"):
            with suppress(*NO_ROOM):
                await connection.execute(sql)
        with suppress(*NO_ROOM):
            await connection.execute("INSERT INTO kept VALUES ('x')")
            count += 1
    return count


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
async def test_postgres_comes_back_when_there_is_room_and_has_lost_nothing(
    small_disk: Path, console: Heard
) -> None:
    server = PrivatePostgres(small_disk / "server", free_ports(1)[0])
    async with Supervisor(console) as supervisor:
        await supervisor.keep(server)
        connection = await asyncpg.connect(server.url)
        await connection.execute("CREATE TABLE kept (content text)")
        await connection.execute("INSERT INTO kept VALUES ('before')")
        console.said.clear()
        fill(small_disk / "ballast")
        promised = 1 + await insert_while_it_takes_any(connection)
        await (
            server.kill()
        )  # where it went on, or got up, with what was left of its log
        assert await poll(said(console, "is full: make room"), within=WITHIN)
        (small_disk / "ballast").unlink()
        assert await poll(said(console, "ready in"), within=WITHIN)
        connection = await asyncpg.connect(server.url)
        assert await connection.fetchval("SELECT count(*) FROM kept") >= promised
        await connection.close()
    ended, why, ready = console.said
    assert ended.startswith("Postgres ended")
    assert why.startswith(f"The disk of {small_disk / 'server'} is full")
    assert ready.startswith("  Postgres   ready in")


def said(console: Heard, text: str) -> Callable[[], bool]:
    return lambda: any(text in line for line in console.said)
