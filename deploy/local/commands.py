"""`python -m deploy.local run`, `status`, `reset` and `audit`: the stack by hand."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import aiohttp

from deploy.local.console import Console
from deploy.local.datafolder import DataFolder
from deploy.local.environments import ADDRESSES, Addresses, audit_environment
from deploy.local.faults import CannotStart
from deploy.local.ports import is_free
from deploy.local.stack import PORTS, Servers, Stack
from deploy.local.supervisor import Supervisor

DEFAULT_PORT = 8080
LARGEST_PORT = 65535
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=3)


def main() -> None:
    commands = {"run": _run, "status": _status, "reset": _reset, "audit": _audit}
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("command", choices=commands)
    try:
        sys.exit(commands[parser.parse_args().command](DataFolder.from_environment()))
    except CannotStart as fault:
        sys.exit(f"\n{fault}")


def _run(data: DataFolder) -> int:
    """Run everything until Ctrl-C or a signal."""
    data.make()
    with data.held():
        asyncio.run(_until_stopped(data, _gateway_port()))
    return 0


async def _until_stopped(data: DataFolder, port: int) -> None:
    console = Console()
    _stop_on_signals(console)
    with suppress(asyncio.CancelledError):
        async with Supervisor(console) as supervisor:
            await _start(data, port, supervisor, console)
            await asyncio.Event().wait()
    console.say("stopped; the data stay in " + str(data.path))


async def _start(
    data: DataFolder, port: int, supervisor: Supervisor, console: Console
) -> None:
    began = time.monotonic()
    console.quiet = True
    console.say(f"starting the Client Area, with its data in {data.path}")
    stack = Stack(data, port, supervisor=supervisor, console=console)
    await stack.start()
    console.say(_welcome(stack, data, time.monotonic() - began))
    console.quiet = False


def _stop_on_signals(console: Console) -> None:
    """Stop in order at the first signal, at once at the second."""
    loop = asyncio.get_running_loop()
    main_task = asyncio.current_task()
    signalled: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        signalled.append(number)
        if len(signalled) > 1:
            os._exit(1)  # the kernel ends all that is tied to us
        console.say("stopping …")
        if main_task is not None:
            main_task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)


def _gateway_port() -> int:
    text = os.environ.get("CLIENTAREA_PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 0 < int(text) <= LARGEST_PORT:
        raise CannotStart(f"CLIENTAREA_PORT is a port's number, not {text!r}.")
    if not is_free(int(text)):
        raise CannotStart(
            f"Port {text} is taken: stop what uses it, or choose another, such as"
            " CLIENTAREA_PORT=8081."
        )
    return int(text)


def _welcome(stack: Stack, data: DataFolder, seconds: float) -> str:
    widest = max(len(login.email) for login in stack.logins)
    people = [
        f"  {login.role:10}{login.email:{widest}}  {login.password}"
        for login in stack.logins
    ]
    return "\n".join(
        [
            "",
            f"The Client Area is ready, after {seconds:.1f} s.",
            "",
            f"  pages     {stack.addresses.gateway_url}/",
            f"  API       {stack.addresses.gateway_url}/api/docs",
            f"  mailbox   {stack.addresses.mailbox_url}",
            f"  logs      {data.path / 'logs'}",
            "",
            *people,
            "",
            "Ctrl-C stops everything. What the processes say follows.",
            "",
        ]
    )


def _status(data: DataFolder) -> int:
    """Say whether each process is ready; 1 if one isn't."""
    if not (data.is_ours and data.is_held):
        print(f"not running (data folder {data.path})")
        return 1
    return asyncio.run(_tell_status(_addresses(data)))


async def _tell_status(addresses: Addresses) -> int:
    ready = True
    async with aiohttp.ClientSession(timeout=REQUEST_TIMEOUT) as session:
        for name in (*addresses.services, "gateway"):
            said = await _health(session, addresses.ready_url(name))
            ready = ready and said == "ready"
            print(f"{name:10} {addresses.ready_url(name)}  {said}")
    print(f"{'mailbox':10} {addresses.mailbox_url}")
    return 0 if ready else 1


async def _health(session: aiohttp.ClientSession, url: str) -> str:
    try:
        async with session.get(url) as answer:
            return "ready" if answer.ok else f"not ready: {await answer.text()}"
    except (aiohttp.ClientError, TimeoutError) as fault:
        return f"doesn't answer ({type(fault).__name__})"


def _reset(data: DataFolder) -> int:
    """Empty the data folder, and what lies elsewhere for it."""
    if not data.is_ours:
        print(f"nothing to remove in {data.path}")
        return 0
    with data.held():
        Servers(data, data.ports(PORTS)).remove()
        data.remove()
    print(f"removed {data.path}")
    if os.environ.get("DATABASE_ADMIN_URL"):
        print("the database clientarea stays on its server: drop it there")
    return 0


def _audit(data: DataFolder) -> int:
    """Run the operators' audit over the running stack."""
    command = [sys.executable, "-m", "deploy.audit"]
    environment = {**os.environ, **audit_environment(_addresses(data), data.blobs)}
    return subprocess.run(command, env=environment, check=False).returncode


def _addresses(data: DataFolder) -> Addresses:
    addresses = data.read(ADDRESSES, Addresses)
    if addresses is None:
        raise CannotStart(f"Nothing has run yet with its data in {data.path}.")
    return addresses
