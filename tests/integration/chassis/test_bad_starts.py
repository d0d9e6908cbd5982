"""What an operator has wrong ends a process, or a command, with one line that helps."""

import asyncio
import errno
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from chassis import blobs, bus, health
from chassis.blobs import Blobs, StorageFull
from chassis.db import DatabaseRefuses, knock
from chassis.ids import uuid7
from chassis.migrations import Migration, migrations_of
from chassis.settings import ProcessSettings, SettingsWrong, load_settings
from tests.integration.chassis.stage import REPOSITORY, Stage
from tests.support.servers import Servers

NOBODY = "127.0.0.1:1"
WEAK = "amqp://app:app-secret@broker/"
STRONG = "7hW2_kQz9vRt4LmX"

Run = Callable[..., Awaitable["Ended"]]


@dataclass(frozen=True)
class Ended:
    """How a process came to its end."""

    code: int
    lines: list[str]


@pytest.fixture
def run(stage: Stage) -> Run:
    """Run the probe in the stage's environment, but for what is given."""

    async def run(*words: str, **wrong: str) -> Ended:
        return await _run(words, {**_environment(stage), **wrong})

    return run


async def _run(words: Sequence[str], environment: Mapping[str, str]) -> Ended:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.chassis.probe", *words),
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, said = await child.communicate()
    return Ended(child.returncode or 0, said.decode().splitlines())


def _environment(stage: Stage) -> dict[str, str]:
    return {
        "DATABASE_URL": stage.database.url,
        "OWNER_DATABASE_URL": stage.database.owner_url,
        "AMQP_URL": stage.amqp_url,
        "HTTP_PORT": "0",
        "JWKS_URL": f"http://{NOBODY}/jwks",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["republish", "things"], 'relation "originals" does not exist'),
        (["schema"], "no matching schemas were found"),
    ],
)
async def test_a_command_where_nothing_was_migrated_is_one_line(
    run: Run, stage: Stage, words: list[str], said: str
) -> None:
    empty = stage.database.url.rpartition("/")[0] + "/postgres"
    ended = await run(*words, DATABASE_URL=empty, OWNER_DATABASE_URL=empty)
    assert ended.code == 1
    [line] = ended.lines
    assert line.startswith("probe: ")
    assert said in line


async def test_a_wrong_database_is_named_with_its_server(
    run: Run, stage: Stage
) -> None:
    wrong = stage.database.url.rpartition("/")[0] + "/nowhere"
    ended = await run("serve", DATABASE_URL=wrong)
    assert ended.code == 1
    [line] = ended.lines
    assert line.startswith("DATABASE_URL: ")
    assert 'database "nowhere" does not exist' in line


@pytest.mark.parametrize("setting", ["HTTP_PORT", "OBSERVE_PORT"])
async def test_a_port_in_use_is_named_with_its_setting(run: Run, setting: str) -> None:
    server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        ended = await run("serve", **{setting: str(port)})
    assert ended.code == 1
    [line] = [line for line in ended.lines if line.startswith(f"port {port} of ")]
    assert "can't be listened on" in line
    assert line.endswith(f"set another {setting}")
    assert not any("Traceback" in line for line in ended.lines)


async def test_a_broker_that_is_away_ends_a_command(run: Run) -> None:
    ended = await run("migrate", AMQP_URL=f"amqp://a:b@{NOBODY}/")
    assert ended.code == 1
    [line] = ended.lines
    assert line.startswith(f"the broker at {NOBODY} can't be used: ")
    assert line.endswith("look at AMQP_URL")


async def test_a_virtual_host_that_is_not_there_is_named(
    run: Run, stage: Stage
) -> None:
    server, _, _ = stage.amqp_url.rpartition("/")
    ended = await run("migrate", AMQP_URL=f"{server}/nowhere")
    assert ended.code == 1
    [line] = ended.lines
    user = urlsplit(server).username
    assert f"has no virtual host 'nowhere', or user '{user}' may not use it" in line
    assert line.endswith("look at AMQP_URL")
    assert f":{urlsplit(server).password}@" not in line


async def test_a_user_that_may_not_use_the_virtual_host_is_named(
    run: Run, stage: Stage, servers: Servers
) -> None:
    user = f"test-{uuid7().hex}"
    address = f"{servers.management}/api/users/{user}"
    host = stage.amqp_url.rpartition("@")[2]
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        await session.put(address, json={"password": STRONG, "tags": ""})
        try:
            ended = await run("migrate", AMQP_URL=f"amqp://{user}:{STRONG}@{host}")
        finally:
            await session.delete(address)
    [line] = ended.lines
    assert f"has no virtual host '{host.rpartition('/')[2]}'" in line
    assert f"or user '{user}' may not use it" in line
    assert STRONG not in line


async def test_a_wrong_password_of_the_broker_is_told_and_not_shown(
    run: Run, stage: Stage
) -> None:
    host = stage.amqp_url.rpartition("@")[2]
    user = urlsplit(stage.amqp_url).username
    ended = await run("migrate", AMQP_URL=f"amqp://{user}:{STRONG}@{host}")
    [line] = ended.lines
    assert f"has no user '{user}', or another password for it" in line
    assert STRONG not in line


async def test_a_process_waits_for_its_virtual_host_and_names_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = asyncio.Event()
    told: list[str] = []

    def note(_event: str, *, error: str, **_: object) -> None:
        told.append(error)
        if len(told) > 1:
            stopping.set()

    async def session() -> None:
        async with bus.connect(stage.amqp_url + "-gone", "test"):
            raise AssertionError("there is no such virtual host")

    monkeypatch.setattr(bus.log, "warning", note)
    async with asyncio.timeout(30):
        await bus.keep_up("test", session, stopping)
    vhost = stage.amqp_url.rpartition("/")[2]
    assert all(f"has no virtual host '{vhost}-gone', or" in error for error in told)


async def test_a_database_that_is_away_ends_a_migration(run: Run) -> None:
    ended = await run("migrate", OWNER_DATABASE_URL=f"postgres://a:b@{NOBODY}/x")
    assert ended.code == 1
    [line] = ended.lines
    assert f"the database at {NOBODY}/x can't be reached" in line


async def test_a_server_that_is_away_is_no_refusal(stage: Stage) -> None:
    assert await knock(stage.database.url) is None
    assert await knock(f"postgres://a:b@{NOBODY}/x")
    with pytest.raises(DatabaseRefuses):
        await knock(stage.database.url.rpartition("/")[0] + "/nowhere")


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("AMQP_URL", WEAK, "can be guessed"),
        ("AMQP_URL", "amqp://app@broker/", "is missing"),
        ("AMQP_URL", "amqp://app:aaaaaaaaaaaaaaaa@broker/", "can be guessed"),
        ("AMQP_URL", "broker:5672", "must be like amqp://"),
        ("DATABASE_URL", "mysql://a:b@host/x", "must be like postgres://"),
        ("DATABASE_URL", "postgres://a:b@host:port/x", "must be like postgres://"),
        ("OWNER_DATABASE_URL", "postgres://a:postgres@host/x", "can be guessed"),
    ],
)
def test_an_address_with_a_fault_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsWrong, match=f"{variable}: .*{complaint}") as refused:
        load_settings(ProcessSettings)
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    "value", [f"amqp://app:{STRONG}@broker/", "amqp://app:app@localhost/", ""]
)
def test_an_address_with_a_good_password_or_on_this_machine_is_taken(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("AMQP_URL", value)
    assert load_settings(ProcessSettings).amqp_url == value


def test_a_secret_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "amqp_url"
    path.write_text("amqp://localhost/")

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(SettingsWrong, match=f"Permission denied: '{path}'"):
        load_settings(ProcessSettings)


def test_a_folder_of_secrets_that_is_a_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("x")
    monkeypatch.setenv("SECRETS_DIR", str(file))
    with pytest.raises(SettingsWrong, match="SECRETS_DIR: "):
        load_settings(ProcessSettings)


async def test_a_full_disk_keeps_nothing_of_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(blobs.os, "fsync", full)
    with pytest.raises(StorageFull):
        await Blobs(tmp_path).put("01a208f8-0000", b"content")
    assert files_in(tmp_path) == []


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_schema_that_is_a_release_ahead_is_served(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def before(package: str) -> list[Migration]:
        return migrations_of(package)[:-1]

    monkeypatch.setattr(health, "migrations_of", before)
    async with (
        stage.running("http") as probe,
        probe.client.get("/health/ready") as answer,
    ):
        assert (await answer.json())["missing"] == []
