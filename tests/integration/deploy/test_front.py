"""The port stays while gateways come and go: bytes pass, and nobody is refused."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest

from deploy.compose import front
from deploy.compose.front import Front, Gateways
from deploy.local.ports import answers, free_ports

LARGE = 5_000_000
HOSTS = ("127.0.0.1", "127.0.0.2")

WAIT_SECONDS = 60

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody be given up while a test waits, but where it says so."""
    for limit in ("ATTEMPT_SECONDS", "STALL_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(front, limit, 60 * WAIT_SECONDS)


@asynccontextmanager
async def gateway(host: str, port: int, speak: Speak) -> AsyncGenerator[None]:
    async def answer(
        reading: asyncio.StreamReader, writing: asyncio.StreamWriter
    ) -> None:
        await speak(reading, writing)
        writing.close()

    async with await asyncio.start_server(answer, host, port):
        yield


async def echo(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
    writing.write(await reading.read())
    await writing.drain()


def naming(name: str) -> Speak:
    async def say_it(
        reading: asyncio.StreamReader, writing: asyncio.StreamWriter
    ) -> None:
        await reading.read()
        writing.write(name.encode())
        await writing.drain()

    return say_it


@contextmanager
def resolved(monkeypatch: pytest.MonkeyPatch, hosts: Sequence[str]) -> Generator[None]:
    """Let the name of the gateways stand for these addresses."""

    async def addresses(_: Gateways) -> Sequence[str]:
        return hosts

    with monkeypatch.context() as patched:
        patched.setattr(Gateways, "_addresses", addresses)
        yield


@asynccontextmanager
async def a_front(gateway_port: int) -> AsyncGenerator[int]:
    """Run it before gateways at this port; yield its own."""
    [port] = free_ports(1)
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            Front(Gateways("gateway", gateway_port)).serve(port, stopping)
        )
        while not answers(port):
            await asyncio.sleep(0.01)
        yield port
        stopping.set()


async def asked(port: int, what: bytes = b"") -> bytes:
    async with asyncio.timeout(WAIT_SECONDS):
        reading, writing = await asyncio.open_connection("127.0.0.1", port)
        writing.write(what)
        writing.write_eof()
        answer = await reading.read()
        writing.close()
        return answer


async def test_bytes_pass_both_ways_in_any_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [port] = free_ports(1)
    content = bytes(range(256)) * (LARGE // 256)
    with resolved(monkeypatch, HOSTS[:1]):
        async with gateway(HOSTS[0], port, echo), a_front(port) as own:
            got = await asyncio.gather(*(asked(own, content) for _ in range(4)))
    assert all(answer == content for answer in got)


async def test_gateways_are_used_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    [port] = free_ports(1)
    with resolved(monkeypatch, HOSTS):
        async with (
            gateway(HOSTS[0], port, naming("one")),
            gateway(HOSTS[1], port, naming("two")),
            a_front(port) as own,
        ):
            got = [await asked(own) for _ in range(4)]
    assert sorted(got) == [b"one", b"one", b"two", b"two"]


async def test_who_refuses_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    [port] = free_ports(1)
    with resolved(monkeypatch, HOSTS):
        async with gateway(HOSTS[1], port, naming("two")), a_front(port) as own:
            assert [await asked(own) for _ in range(3)] == [b"two"] * 3


async def test_while_there_is_no_gateway_clients_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turned_away, connect = set[asyncio.BaseProtocol](), Gateways.connect

    async def noting(self: Gateways, end: Any) -> None:
        try:
            await connect(self, end)
        except OSError:
            turned_away.add(end)
            raise

    monkeypatch.setattr(Gateways, "connect", noting)
    [port] = free_ports(1)
    with resolved(monkeypatch, HOSTS[:1]):
        async with a_front(port) as own, asyncio.timeout(WAIT_SECONDS):
            waiting = asyncio.create_task(asked(own))
            # Whoever looked whether the front is there, and our client.
            while len(turned_away) < 2:
                await asyncio.sleep(0.01)
            async with gateway(HOSTS[0], port, naming("late")):
                assert await waiting == b"late"


async def endless(_: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
    """Say more and more, until nobody is there."""
    with suppress(ConnectionError):
        while True:
            writing.write(b"." * 1000)
            await writing.drain()
            await asyncio.sleep(0)


async def served_by_nobody() -> None:
    """Wait until the front holds no connection any more."""
    async with asyncio.timeout(WAIT_SECONDS):
        while any(
            getattr(task.get_coro(), "__qualname__", "") == "Front._pair"
            for task in asyncio.all_tasks()
        ):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("client_says_all", [True, False])
async def test_a_connection_that_both_have_ended_is_held_no_longer(
    monkeypatch: pytest.MonkeyPatch, *, client_says_all: bool
) -> None:
    async def greet(_: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        writing.write(b"hello")
        await writing.drain()

    [port] = free_ports(1)
    with resolved(monkeypatch, HOSTS[:1]):
        async with gateway(HOSTS[0], port, greet), a_front(port) as own:
            reading, writing = await asyncio.open_connection("127.0.0.1", own)
            if client_says_all:
                writing.write_eof()
            assert await reading.read() == b"hello"
            writing.close()
            await served_by_nobody()


async def test_a_client_that_stays_is_let_go_once_the_gateway_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def leave(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        pass

    monkeypatch.setattr(front, "LINGER_SECONDS", 0.1)
    [port] = free_ports(1)
    with resolved(monkeypatch, HOSTS[:1]):
        async with gateway(HOSTS[0], port, leave), a_front(port) as own:
            reading, writing = await asyncio.open_connection("127.0.0.1", own)
            assert await reading.read() == b""
            await served_by_nobody()
            writing.close()


async def test_a_client_that_takes_nothing_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "STALL_SECONDS", 0.1)
    [port] = free_ports(1)
    with resolved(monkeypatch, HOSTS[:1]):
        async with gateway(HOSTS[0], port, endless), a_front(port) as own:
            with socket.create_connection(("127.0.0.1", own)) as client:
                assert await asyncio.to_thread(client.recv, 1) == b"."
                await served_by_nobody()


async def test_a_front_that_stops_leaves_nobody_connected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "DRAIN_SECONDS", 0.1)
    [port] = free_ports(1)
    with resolved(monkeypatch, HOSTS[:1]):
        async with gateway(HOSTS[0], port, endless):
            async with a_front(port) as own:
                reading, writing = await asyncio.open_connection("127.0.0.1", own)
                assert await reading.read(1) == b"."
            async with asyncio.timeout(WAIT_SECONDS):
                with suppress(ConnectionError):
                    await reading.read()
            writing.close()


async def test_a_client_waits_no_longer_than_is_bearable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "PATIENCE_SECONDS", 0.1)
    [port] = free_ports(1)
    with resolved(monkeypatch, HOSTS[:1]):
        async with a_front(port) as own:
            assert await asked(own) == b""
