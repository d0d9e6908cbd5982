"""The compose file in real containers, from an empty machine to a restored backup.

`make test-compose` runs it: its name keeps it out of `make test`. The tests build on
each other, in the order that they are written in.
"""

import asyncio
from collections.abc import AsyncGenerator
from uuid import uuid4

import aiohttp
import pytest

from chassis.http.idempotency import LEASE_SECONDS
from tests.compose.conftest import beside, remove
from tests.compose.load import load
from tests.compose.mailbox import Mailpit
from tests.compose.stack import PROCESSES, Stack, wait_until
from tests.e2e import client
from tests.e2e.client import Api, Json, until
from tests.e2e.journey import PASSWORD, Customer, buy, register, send_proof

OWN = (*PROCESSES, "front")
BACKUP = "/var/lib/clientarea/backups/whole"

pytestmark = [pytest.mark.timeout(900)]


#: A request whose process was killed may be repeated once its claim has run out.
PATIENCE_SECONDS = LEASE_SECONDS + 30


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


def agrees(stack: Stack) -> bool:
    return "all agree" in stack.operate("audit")


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


@pytest.mark.parametrize("service", [*OWN, "postgres", "rabbitmq"])
async def test_who_is_killed_comes_back_and_nothing_is_lost(
    stack: Stack, api: Api, service: str
) -> None:
    customer = await register(api)
    finance = await staff(api, stack, "finance")
    victim = stack.container(service)
    buying = asyncio.create_task(buy(customer, finance, f"T{uuid4().hex[:12]}"))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(stack.end_all_in, victim)
    assert (await buying)["status"] == "active"

    def is_back() -> bool:
        now = stack.container(service)
        return now.is_well and now.started_at != victim.started_at

    await asyncio.to_thread(wait_until, is_back, f"{service} is back")


def test_after_all_that_the_books_agree(stack: Stack) -> None:
    assert agrees(stack)


async def test_two_replicas_share_the_work(stack: Stack, api: Api) -> None:
    names = ("billing", "notifier")
    stack.compose(
        *("up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--wait"),
        *(f"--scale={name}=2" for name in names),
        *names,
    )
    customers = [await register(api) for _ in range(4)]
    finance = await staff(api, stack, "finance")

    async def all_work() -> bool:
        await asyncio.gather(
            *(buy(each, finance, f"T{uuid4().hex[:12]}") for each in customers)
        )
        return await asyncio.to_thread(all_have_worked, stack)

    await until(all_work, what="each replica answers, and each handles events")


def all_have_worked(stack: Stack) -> bool:
    """Whether every billing has answered requests, and every notifier taken events."""
    asked = [
        stack.metric(each, r'^http_requests_total.*route="/api')
        for each in stack.containers("billing")
    ]
    told = [
        stack.metric(each, r"^events_handled_total\{")
        for each in stack.containers("notifier")
    ]
    return len(asked) == len(told) == 2 and all(asked) and all(told)


async def test_an_upgrade_under_load_fails_no_request(stack: Stack) -> None:
    before = {each.id for name in PROCESSES for each in stack.containers(name)}
    async with load(stack.gateway_url) as noted:
        said = await asyncio.to_thread(
            stack.python,
            "deploy.compose.upgrade",
            CLIENTAREA_VERSION="next",
        )
    assert noted.failures == []
    assert noted.answered > 100, said
    after = {each.id for name in PROCESSES for each in stack.containers(name)}
    assert len(after) == len(before)
    assert not after & before
    assert agrees(stack)


async def test_a_backup_brings_a_fresh_stack_to_where_this_one_was(
    stack: Stack, api: Api
) -> None:
    customer = await register(api)
    finance = await staff(api, stack, "finance")
    service = await buy(customer, finance, f"T{uuid4().hex[:12]}")
    [invoice] = (await customer.api.get("/invoices"))["items"]
    await send_proof(customer, invoice["id"])
    assert agrees(stack)  # waits for the events that are on their way
    history = await history_of(customer)
    stack.operate("backup", BACKUP)
    stack.compose("stop", "--timeout", "10")
    fresh = beside(stack)
    try:
        restore(fresh)
        assert agrees(fresh)
        api.url = fresh.gateway_url
        again = Customer(await api.log_in(customer.email, PASSWORD), customer.email)
        assert await history_of(again) == history
        assert (await buy(again, await staff(api, fresh, "finance"), "T-fresh"))[
            "id"
        ] != service["id"]
        assert agrees(fresh)
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
