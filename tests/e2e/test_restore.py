"""A backup of the running product, restored elsewhere, is the same product."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import pytest
from joserfc.jwk import KeySet
from pydantic import SecretStr

from chassis.clock import Clock
from chassis.ids import uuid7
from chassis.process import VERIFIER, Process, Resources
from chassis.settings import ProcessSettings
from chassis.tokens import FixedKeys, TokenVerifier, public_keys
from deploy.local.datafolder import DataFolder
from deploy.local.demo.company import company
from deploy.local.environments import ADDRESSES, Addresses
from deploy.local.keys import Keys
from deploy.operate import manifest
from deploy.operate.targets import place
from deploy.postgres.bootstrap import AUDITOR, bootstrap, owner_of, roles_of
from deploy.processes import SERVICES
from services.accounts.settings import read_signing_key
from tests.e2e.client import Api, Json
from tests.e2e.stack import ROOT, Product, Stack
from tests.support.polling import until
from tests.support.running import running
from tests.support.servers import Servers

NAMES = [process.name for process in SERVICES]
#: What a customer can look back upon; each list, then each thing in it.
HISTORIES = {
    "billing": ["/orders", "/services", "/invoices", "/payments", "/credit/statement"],
    "tickets": ["/tickets"],
    "notifier": ["/emails"],
}


@dataclass(frozen=True)
class Elsewhere:
    """An empty database with its roles, and a folder for the attachments."""

    urls: Mapping[str, str]
    blobs: Path

    @property
    def environment(self) -> dict[str, str]:
        owners = {
            f"{name.upper()}_OWNER_DATABASE_URL": self.urls[owner_of(name)]
            for name in NAMES
        }
        return owners | {
            "AUDIT_URL": self.urls[AUDITOR],
            "BLOBS_DIR": str(self.blobs),
        }

    @property
    def name(self) -> str:
        return place(self.urls[AUDITOR])


@pytest.fixture
async def elsewhere(servers: Servers, tmp_path: Path) -> AsyncGenerator[Elsewhere]:
    name = f"test_restored_{uuid7().hex}"
    passwords = dict.fromkeys(roles_of(NAMES), "test")
    try:
        urls = await bootstrap(servers.postgres, NAMES, passwords, name)
        yield Elsewhere(urls, tmp_path / "blobs")
    finally:
        admin = await asyncpg.connect(servers.postgres)
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.close()


async def operate(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Run a chore; return its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.operate", *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def sealed(product: Product) -> None:
    """Wait until the ledger has a sealed entry: a job of its own does that."""
    addresses = DataFolder(product.folder).read(ADDRESSES, Addresses)
    assert addresses is not None
    auditor = await asyncpg.connect(addresses.databases[AUDITOR])
    sql = "SELECT EXISTS (SELECT FROM billing.journal_seals)"
    await until(lambda: auditor.fetchval(sql))
    await auditor.close()


async def history(apis: Mapping[str, Api]) -> dict[str, Json]:
    """Return all that a customer can look back upon, by path."""
    seen: dict[str, Json] = {}
    for service, paths in HISTORIES.items():
        for path in paths:
            seen[path] = await apis[service].get(path)
            if "statement" in path:
                continue
            for item in seen[path]["items"]:
                below = f"{path}/{item['id']}"
                seen[below] = await apis[service].get(below)
    return seen


@asynccontextmanager
async def served(
    product: Product, elsewhere: Elsewhere, token: str
) -> AsyncGenerator[dict[str, Api]]:
    """Serve what was restored, with the product's own keys: sessions go on."""
    keys = Keys.model_validate_json((product.folder / "keys.json").read_bytes())
    async with AsyncExitStack() as stack:
        apis: dict[str, Api] = {}
        for process in SERVICES:
            started = await stack.enter_async_context(
                running(
                    _judging_by(keys, process),
                    database_url=elsewhere.urls[process.name],
                    blobs_dir=elsewhere.blobs,
                    parts={"http"},
                    sandbox_clock=True,
                    **_secrets(keys, process.name),
                )
            )
            url = str(started.client._base_url).rstrip("/")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - its one way to tell
            apis[process.name] = Api(started.client, url, token)
        yield apis


def _secrets(keys: Keys, name: str) -> Mapping[str, object]:
    secrets: Mapping[str, Mapping[str, object]] = {
        "accounts": {"signing_key": keys.signing_key, "link_key": keys.link_key},
        "notifier": {
            "link_key": keys.link_key,
            "smtp_url": "smtp://127.0.0.1:1",
            "mail_from": "billing@example.com",
            "portal_url": "http://127.0.0.1",
        },
    }
    return secrets.get(name, {})


def _judging_by(keys: Keys, process: Process) -> Process:
    """Let the process verify the product's own tokens."""
    key = read_signing_key(SecretStr(keys.signing_key))
    verifier = TokenVerifier(
        FixedKeys(KeySet.import_key_set(public_keys(key))),
        issuer="clientarea",
        clock=Clock("America/Sao_Paulo"),
    )
    opener = process.resources

    @asynccontextmanager
    async def open_resources(
        resources: Resources, settings: ProcessSettings
    ) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            if opener is not None:
                await stack.enter_async_context(opener(resources, settings))
            resources[VERIFIER] = verifier
            yield

    return replace(process, resources=open_resources)


async def test_a_restored_backup_tells_customers_the_same_by_the_same_ledger(
    stack: Stack,
    elsewhere: Elsewhere,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product, backup = stack.product, tmp_path / "backup"
    [login, *_] = [each for each in stack.demo["logins"] if each["role"] == "customer"]
    ana = await stack.api.log_in(login["email"], login["password"])
    before = await history(dict.fromkeys(HISTORIES, ana))
    assert len(before) > 10
    await sealed(product)

    data = {"CLIENTAREA_DATA": str(product.folder)}
    code, said = await operate(data, "backup", str(backup))
    assert code == 0, said
    into = ("--into", elsewhere.name)
    code, said = await operate(elsewhere.environment, "restore", str(backup), *into)
    assert code == 0, said
    assert "all agree" in said

    for name, value in company().items():
        monkeypatch.setenv(name, value)
    assert ana.token is not None
    async with served(product, elsewhere, ana.token) as apis:
        assert await history(apis) == before
        me = await apis["accounts"].get("/me")
        assert me["email"] == login["email"]
    saved = manifest.read(backup).services["billing"].ledger
    assert saved is not None
    assert saved.position > 0
    # What wasn't sealed when it was saved has been since: the chain goes on from there.
    owner = await asyncpg.connect(elsewhere.urls[owner_of("billing")])
    at = "SELECT encode(hash, 'hex') FROM billing.journal_seals WHERE position = $1"
    assert await owner.fetchval(at, saved.position) == saved.hash
    await owner.close()
