"""`make run`: one command, from an empty folder to a company with a history."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest

from deploy.local.datafolder import PROJECT
from deploy.local.ports import free_ports
from deploy.local.waiting import poll

START_SECONDS = 120
GONE_SECONDS = 90

pytestmark = pytest.mark.timeout(300)


@dataclass
class Run:
    """A folder with a port, and what runs in it."""

    folder: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        here = {
            "CLIENTAREA_DATA": str(self.folder),
            "CLIENTAREA_PORT": str(self.port),
        }
        return os.environ | here

    @property
    def demo(self) -> dict[str, Any]:
        return json.loads((self.folder / "demo.json").read_text())

    def say(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-m", "deploy.local", command],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )

    @contextmanager
    def started(self) -> Generator["subprocess.Popen[str]"]:
        """Start it, and end it kindly unless that has been done."""
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "run"],
            cwd=PROJECT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            wait_until_ready(process)
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=GONE_SECONDS)


def wait_until_ready(process: "subprocess.Popen[str]") -> None:
    heard: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        heard.append(line)
        if "The Client Area is ready" in line:
            return
    raise AssertionError("".join(heard))


@contextmanager
def new_run() -> Generator[Run]:
    with TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        run = Run(Path(place) / "a data folder", free_ports(1)[0])
        yield run
        run.say("reset")


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with new_run() as run, run.started():
        yield run


async def ask(run: Run, role: str, path: str) -> Any:
    """Ask the API as the first person of this role."""
    login = next(login for login in run.demo["logins"] if login["role"] == role)
    credentials = {"email": login["email"], "password": login["password"]}
    async with aiohttp.ClientSession(run.demo["gateway"]) as session:
        async with session.post("/api/v1/sessions", json=credentials) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with session.get(f"/api/v1{path}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


def descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


async def test_everybody_in_the_demo_can_log_in(run: Run) -> None:
    roles = {login["role"] for login in run.demo["logins"]}
    assert roles == {"admin", "support", "finance", "customer"}
    for role in roles:
        assert (await ask(run, role, "/me"))["email"]


async def test_the_demo_customer_has_a_history(run: Run) -> None:
    invoices = (await ask(run, "customer", "/invoices"))["items"]
    statuses = sorted(invoice["status"] for invoice in invoices)
    assert statuses == ["open", "open", "paid", "paid", "paid"]
    assert all(i["due_on"] >= i["issued_on"] for i in invoices)
    tickets = (await ask(run, "customer", "/tickets"))["items"]
    assert sorted(ticket["status"] for ticket in tickets) == [
        *("answered", "closed", "open"),
    ]
    services = (await ask(run, "customer", "/services"))["items"]
    assert sorted(service["status"] for service in services) == [
        *("active", "active", "pending"),
    ]
    credit = (await ask(run, "customer", "/credit"))["balances"]
    assert credit == [{"amount": "30.00", "currency": "BRL"}]


async def test_the_demo_customer_has_a_renewal_that_is_due_soon(run: Run) -> None:
    before = datetime.now(UTC)
    clock = await ask(run, "admin", "/staff/clock")
    told, second = datetime.fromisoformat(clock["now"]), timedelta(seconds=1)
    assert before - second < told < datetime.now(UTC) + second
    services = (await ask(run, "customer", "/services?status=active"))["items"]
    [server] = [each for each in services if each["product"] == "vps-2"]
    today = date.fromisoformat(clock["today"])
    due_on = date.fromisoformat(server["next_due_on"])
    assert timedelta(days=2) <= due_on - today <= timedelta(days=6)
    invoices = (await ask(run, "customer", "/invoices?status=open"))["items"]
    [renewal] = [each for each in invoices if each["order_id"] is None]
    assert renewal["due_on"] == server["next_due_on"]
    forecast = await ask(run, "customer", "/forecast")
    assert forecast["totals"][0]["covered"] is False


async def test_staff_has_something_to_do(run: Run) -> None:
    waiting = await ask(run, "support", "/staff/tickets?awaiting=staff&count=true")
    assert waiting["total"] == 2
    payments = await ask(run, "finance", "/staff/payments?status=awaiting_confirmation")
    assert [p["customer_name"] for p in payments["items"]] == ["Sam Rivera"]


async def test_the_catalogue_has_three_currencies_and_no_cheap_month(run: Run) -> None:
    products = (await ask(run, "customer", "/products?limit=100"))["items"]
    prices = [price for product in products for price in product["prices"]]
    assert {price["amount"]["currency"] for price in prices} == {"BRL", "USD", "EUR"}
    monthly = [price for price in prices if price["period"] == "monthly"]
    assert min(float(price["amount"]["amount"]) for price in monthly) > 20


async def test_only_its_owner_can_read_what_is_secret(run: Run) -> None:
    for name in ("demo.json", "keys.json", "addresses.json"):
        assert (run.folder / name).stat().st_mode & 0o777 == 0o600


async def test_its_mails_can_be_read(run: Run) -> None:
    async with (
        aiohttp.ClientSession(run.demo["mailbox"]) as session,
        session.get("/api/v1/search?query=to:ana") as answer,
    ):
        found = await answer.json()
    assert found["messages_count"] > 0


def test_a_second_run_is_refused_in_a_line(run: Run) -> None:
    folder_taken = run.say("run")
    assert folder_taken.returncode == 1
    assert "already runs" in folder_taken.stderr
    with new_run() as other:
        other.port = run.port
        port_taken = other.say("run")
    assert port_taken.returncode == 1
    assert f"Port {run.port} is taken" in port_taken.stderr


def test_the_status_names_what_is_not_ready(run: Run) -> None:
    told = run.say("status")
    assert told.returncode == 0, told.stdout
    assert told.stdout.count("ready") >= 5
    with new_run() as other:
        assert other.say("status").returncode == 1


def test_the_audit_finds_nothing(run: Run) -> None:
    told = run.say("audit")
    assert told.returncode == 0, told.stdout
    assert told.stdout.endswith("all agree\n")


async def test_nothing_is_left_after_a_kill_and_nothing_is_told_twice() -> None:
    with new_run() as run:
        with run.started() as process:
            before = await ask(run, "customer", "/invoices")
            children = descendants(process.pid)
            assert len(children) >= 8
            process.kill()
            process.wait()
            assert await poll(
                lambda: not any(map(alive, children)), within=GONE_SECONDS
            )
        with run.started() as process:
            assert await ask(run, "customer", "/invoices") == before
            children = descendants(process.pid)
            process.send_signal(signal.SIGINT)
            await asyncio.to_thread(process.wait)
            assert process.returncode == 0
            assert await poll(
                lambda: not any(map(alive, children)), within=GONE_SECONDS
            )
