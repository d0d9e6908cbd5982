"""The compose file in real containers, from an empty machine to a restored backup.

`make test-compose` runs it: its name keeps it out of `make test`. The tests build on
each other, in the order that they are written in.
"""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import aiohttp
import pytest

from chassis.http.idempotency import LEASE_SECONDS
from tests.compose.conftest import beside, remove
from tests.compose.load import load
from tests.compose.mailbox import Mailpit
from tests.compose.replicas import (
    SCALED,
    all_have_answered,
    grown,
    handled,
    replicas,
    scale,
)
from tests.compose.stack import PROCESSES, Stack, wait_until
from tests.e2e import client
from tests.e2e.client import Api, Json, until
from tests.e2e.journey import PASSWORD, Customer, buy, order, register, send_proof

OWN = (*PROCESSES, "front")
#: First those whose fall may leave a request's claim: it runs out while others fall.
KILLED = (
    "postgres",
    "billing",
    "accounts",
    "tickets",
    "notifier",
    "gateway",
    "front",
    "rabbitmq",
)
#: Several at least: where two handled them, each would have had one.
ENOUGH_EVENTS = 6
#: What the broker wants to be free: never there, and as deploy/rabbitmq has it.
MORE_THAN_ANY_DISK = "1000000GB"
AS_CONFIGURED = "1GB"
#: Longer than an event waits for anything else.
WAITING_SECONDS = 2
UPGRADE = "deploy.compose.upgrade"
NEXT = {"CLIENTAREA_VERSION": "next"}
#: So long may events be on their way that met a process which was away.
AT_REST_SECONDS = "300"
BACKUP = "/var/lib/clientarea/backups/whole"

pytestmark = [pytest.mark.timeout(3600)]


#: A request whose process was killed may be repeated once its claim has run out.
PATIENCE_SECONDS = LEASE_SECONDS + 60


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
async def http() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def api(http: aiohttp.ClientSession, stack: Stack) -> Api:
    return Api(http, stack.gateway_url, patient=True)


async def staff(api: Api, stack: Stack, role: str) -> Api:
    email = f"{role}@horizonte.example"
    return await api.log_in(email, stack.passwords()[email])


def assert_agreement(stack: Stack) -> None:
    """Have the audit find nothing; it is asked again while the database is too busy."""
    said = ""

    def is_answered() -> bool:
        nonlocal said
        done = stack.tried_to_operate("audit", AT_REST_SECONDS)
        said = done.stdout + done.stderr
        return "DatabaseAway" not in said

    wait_until(is_answered, "the audit is answered")
    assert "all agree" in said, said


def test_what_runs_can_do_little(stack: Stack) -> None:
    for each in stack.containers():
        facts, host = each.facts, each.facts["HostConfig"]
        assert facts["Config"]["User"] not in ("", "root", "0"), each.name
        assert host["ReadonlyRootfs"], each.name
        assert host["CapDrop"] == ["ALL"], each.name
        assert "no-new-privileges:true" in host["SecurityOpt"], each.name
        assert all(host[it] for it in ("Memory", "PidsLimit", "NanoCpus")), each.name


def test_only_the_front_and_the_mailbox_are_published_on_loopback(stack: Stack) -> None:
    published = {
        each.facts["Config"]["Labels"]["com.docker.compose.service"]: bound
        for each in stack.containers()
        if (bound := each.facts["HostConfig"]["PortBindings"])
    }
    assert set(published) == {"front", "mailpit"}
    for bindings in published.values():
        assert {b["HostIp"] for ports in bindings.values() for b in ports} == {
            "127.0.0.1"
        }


async def test_health_and_metrics_stay_inside(stack: Stack, api: Api) -> None:
    for path in ("/metrics", "/health/ready"):
        async with api.http.get(stack.gateway_url + path) as answer:
            assert answer.status == 404


async def test_an_order_is_paid_and_a_question_answered(stack: Stack, api: Api) -> None:
    customer = await register(api)
    finance = await staff(api, stack, "finance")
    service = await buy(customer, finance, f"T{uuid4().hex[:12]}")
    assert service["status"] == "active"
    mailbox = Mailpit(api.http, stack.mailbox_url)
    await mailbox.wait_for(customer.email, "confirm|verif")
    await mailbox.wait_for(customer.email, "paid|payment")
    await answered_question(customer, await staff(api, stack, "support"))


async def answered_question(customer: Customer, support: Api) -> None:
    body = {
        "department": "support",
        "subject": "A question",
        "message": "How?",
        "priority": "low",
    }
    ticket = await customer.api.post("/tickets", body)
    answer = {"message": "So."}
    await support.post(f"/staff/tickets/{ticket['id']}/replies", answer)
    seen = await customer.api.get(f"/tickets/{ticket['id']}")
    assert [each["text"] for each in seen["messages"]] == ["How?", "So."]


async def test_who_is_killed_comes_back_and_nothing_is_lost(
    stack: Stack, api: Api
) -> None:
    """One at a time, each while somebody buys; purchases may end later than that."""
    async with asyncio.TaskGroup() as purchases:
        for service in KILLED:
            finance = await staff(api, stack, "finance")
            buyer = Buyer(await register(api), finance)
            purchases.create_task(buyer.buy_on(), name=service)
            await until(buyer.is_buying_again, what=f"somebody buys before {service}")
            fallen = stack.container(service)
            await asyncio.to_thread(stack.end_all_in, fallen)
            await asyncio.to_thread(
                wait_until, partial(stack.is_back, fallen), f"{service} is back"
            )
            buyer.stopping.set()

    def all_are_well() -> bool:
        return all(stack.container(each).is_well for each in KILLED)

    await asyncio.to_thread(wait_until, all_are_well, "the engine finds all well")


@dataclass
class Buyer:
    """Buys without a pause: whatever falls meanwhile falls during a purchase."""

    customer: Customer
    finance: Api
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    bought: int = 0

    async def buy_on(self) -> None:
        while not self.stopping.is_set():
            service = await buy(self.customer, self.finance, f"T{uuid4().hex[:12]}")
            assert service["status"] == "active"
            self.bought += 1

    async def is_buying_again(self) -> bool:
        return self.bought > 0


def test_after_all_that_the_books_agree(stack: Stack) -> None:
    assert_agreement(stack)


async def test_events_wait_while_the_broker_has_no_room(stack: Stack, api: Api) -> None:
    """As when its disk is nearly full: all is served, and all is told afterwards."""
    customer = await register(api)
    finance = await staff(api, stack, "finance")
    await buy(customer, finance, f"T{uuid4().hex[:12]}")
    leave_free(stack, MORE_THAN_ANY_DISK)
    try:
        late = await register(api)
        await until(partial(events_wait, stack, "accounts"), what="an event waits")
        await order(customer)
    finally:
        leave_free(stack, AS_CONFIGURED)
    await Mailpit(api.http, stack.mailbox_url).wait_for(late.email, "confirm|verif")
    await buy(late, finance, f"T{uuid4().hex[:12]}")


def leave_free(stack: Stack, size: str) -> None:
    """Have the broker raise its alarm where less of its disk is free."""
    command = ("rabbitmqctl", "--quiet", "set_disk_free_limit", size)
    stack.compose("exec", "-T", "rabbitmq", *command)


async def events_wait(stack: Stack, name: str) -> bool:
    """Whether an event of the process is yet to be published, and has been a while."""
    container = stack.container(name)
    age = await asyncio.to_thread(stack.metric, container, r"^outbox_oldest_seconds")
    return age > WAITING_SECONDS


async def test_two_replicas_answer_and_one_takes_over_the_events(
    stack: Stack, api: Api
) -> None:
    """Both answer; one handles all events until it is killed, then the other does."""
    scale(stack, 2)
    finance = await staff(api, stack, "finance")

    async def all_answer() -> bool:
        await buy_anew(api, finance)
        return await asyncio.to_thread(all_have_answered, stack, "billing")

    await until(all_answer, what="each billing answers requests")
    for name in SCALED:
        before = handled(stack, name)
        await until(partial(buys_are_handled, api, finance, stack, before), what=name)
        [active] = [each for each, count in grown(stack, before).items() if count]
        [standby] = before.keys() - {active}
        # Nobody starts again what a person has killed: nobody else can take over.
        stack.docker("kill", active)
        left = {standby: before[standby]}
        await until(
            partial(buys_are_handled, api, finance, stack, left),
            what=f"the other {name} handles events",
        )
    scale(stack, 2)
    assert_agreement(stack)


async def buy_anew(api: Api, finance: Api) -> None:
    """Have somebody register and buy: billing and notifier hear of both."""
    await buy(await register(api), finance, f"T{uuid4().hex[:12]}")


async def buys_are_handled(
    api: Api, finance: Api, stack: Stack, before: dict[str, float]
) -> bool:
    """Whether enough events are handled that all who handle any have had some."""
    await buy_anew(api, finance)
    now = await asyncio.to_thread(grown, stack, before)
    return sum(now.values()) >= ENOUGH_EVENTS


async def test_an_upgrade_under_load_fails_no_request(stack: Stack) -> None:
    """Even though it is killed while one replica replaces another, and run again."""
    stack.python("deploy.operate", "rotate", "signing-key", "prepare")
    before = replicas(stack)
    async with load(stack.gateway_url) as noted:
        await asyncio.to_thread(begin_upgrade, stack)
        said = await asyncio.to_thread(stack.python, UPGRADE, **NEXT)
    assert noted.failures == []
    assert noted.answered > 100, said
    after = replicas(stack)
    for name in PROCESSES:
        assert len(after[name]) == len(before[name]), said
        assert not after[name] & before[name], said
    assert_agreement(stack)


def begin_upgrade(stack: Stack) -> None:
    """Begin it, and kill it when a new replica has come and no old one has left."""
    first = PROCESSES[0]

    def both_run() -> bool:
        found = stack.containers(first)
        return len(found) > 1 and all(each.facts["State"]["Running"] for each in found)

    with stack.beginning(UPGRADE, **NEXT):
        wait_until(both_run, f"a new {first} runs beside the old one")


async def test_secrets_are_exchanged_and_nobody_is_signed_out(
    stack: Stack, api: Api
) -> None:
    """A database's password, and the signing key that the upgrade had published."""
    customer = await register(api)
    superuser = stack.secret("database_admin_url")
    stack.python("deploy.operate", "rotate", "database-password", "superuser")
    old = stack.secret("accounts_database_url")
    stack.python("deploy.operate", "rotate", "database-password", "accounts")
    stack.python("deploy.operate", "rotate", "signing-key", "switch")
    stack.python(UPGRADE, "--no-build", "--every", "--only", "accounts")
    assert not opens_database(stack, superuser)
    assert opens_database(stack, stack.secret("database_admin_url"))
    assert not opens_database(stack, old)
    assert opens_database(stack, stack.secret("accounts_database_url"))
    await customer.api.get("/me")
    again = Customer(await api.log_in(customer.email, PASSWORD), customer.email)
    assert signed_with(again.api) != signed_with(customer.api)
    service = await buy(again, await staff(api, stack, "finance"), "T-exchanged")
    assert service["status"] == "active"


def opens_database(stack: Stack, url: str) -> bool:
    """Whether the database lets in who has this URL, asked by the network."""
    script = (
        "import asyncio, asyncpg, sys;"
        "asyncio.run(asyncpg.connect(sys.argv[1], timeout=60))"
    )
    inside = stack.container("accounts").id
    done = stack.tried("exec", inside, "python", "-c", script, url)
    assert done.returncode == 0 or "InvalidPassword" in done.stderr, done.stderr
    return done.returncode == 0


def signed_with(api: Api) -> str:
    """Return which key the caller's token is signed with."""
    assert api.token
    head = api.token.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]


async def test_a_backup_brings_a_fresh_stack_to_where_this_one_was(
    stack: Stack, api: Api
) -> None:
    customer = await register(api)
    finance = await staff(api, stack, "finance")
    service = await buy(customer, finance, f"T{uuid4().hex[:12]}")
    [invoice] = (await customer.api.get("/invoices"))["items"]
    await send_proof(customer, invoice["id"])
    assert_agreement(stack)  # waits for the events that are on their way
    history = await history_of(customer)
    stack.operate("backup", BACKUP)
    stack.compose("stop", "--timeout", "1")
    fresh = beside(stack)
    try:
        restore(fresh)
        assert_agreement(fresh)
        api.url = fresh.gateway_url
        again = Customer(await api.log_in(customer.email, PASSWORD), customer.email)
        assert await history_of(again) == history
        assert (await buy(again, await staff(api, fresh, "finance"), "T-fresh"))[
            "id"
        ] != service["id"]
        assert_agreement(fresh)
    finally:
        remove(fresh)


def restore(fresh: Stack) -> None:
    """From nothing but a backup and the secrets to a stack that serves."""
    fresh.compose("up", "--detach", "--no-build", "--wait", "postgres", "rabbitmq")
    fresh.compose("run", "--rm", "-T", "--no-deps", "migrate")
    fresh.operate("restore", BACKUP, "--into", "postgres:5432/clientarea")
    # Not the demo, which would make its company again.
    fresh.compose("up", "--detach", "--no-build", "--wait", *OWN, "mailpit")


async def history_of(customer: Customer) -> Json:
    """Return all that a customer can see of what happened, but for passing things."""
    paths = ("/invoices", "/payments", "/services", "/orders", "/tickets", "/credit")
    return {path: await customer.api.get(path) for path in paths}
