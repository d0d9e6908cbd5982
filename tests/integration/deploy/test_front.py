"""The port stays while gateways come and go: bytes pass, and nobody is refused."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager

import pytest

from deploy.compose import front
from deploy.compose.front import Front, Gateways
from deploy.local.ports import answers, free_ports

LARGE = 5_000_000
HOSTS = ("127.0.0.1", "127.0.0.2")

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


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
    async with asyncio.timeout(20):
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
    [port] = free_ports(1)
    with resolved(monkeypatch, HOSTS[:1]):
        async with a_front(port) as own:
            waiting = asyncio.create_task(asked(own))
            await asyncio.sleep(0.2)
            async with gateway(HOSTS[0], port, naming("late")):
                assert await waiting == b"late"


async def test_a_client_waits_no_longer_than_is_bearable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "PATIENCE_SECONDS", 0.1)
    [port] = free_ports(1)
    with resolved(monkeypatch, HOSTS[:1]):
        async with a_front(port) as own:
            assert await asked(own) == b""
