"""The supervisor: up in order, up again after a death, and nothing left at the end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.faults import CannotStart
from deploy.local.logs import ProcessLog, readable
from deploy.local.ports import answers, free_ports
from deploy.local.program import Program
from deploy.local.supervisor import Supervisor
from deploy.local.waiting import poll
from tests.integration.local.heard import Heard

PROJECT = Path(__file__).resolve().parents[3]
SERVE = """
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
print("hello from", os.environ["WHO"], flush=True)
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
signal.signal(signal.SIGTERM, lambda *_: (print("bye", flush=True), sys.exit()))
server.serve_forever()
"""
DEAF = """
import signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen(["sleep", "1000"]).pid, flush=True)
time.sleep(1000)
"""
WITHIN = 60

Make = Callable[..., Program]


@pytest.fixture
def make(tmp_path: Path, console: Heard) -> Make:
    def make(name: str, code: str, *args: object, port: int | None = None) -> Program:
        return Program(
            name,
            [sys.executable, "-c", code, *map(str, args)],
            environment={"WHO": name},
            folder=tmp_path,
            log=ProcessLog(name, tmp_path / "logs", console.show),
            ready_url=f"http://127.0.0.1:{port}/" if port else None,
        )

    return make


def alive(pid: int | None) -> bool:
    """Whether the process runs; one that waits to be buried doesn't."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


async def test_a_program_is_ready_when_it_answers_and_its_lines_are_kept(
    make: Make, console: Heard, tmp_path: Path
) -> None:
    port = free_ports(1)[0]
    async with Supervisor(console) as supervisor:
        program = make("web", SERVE, port, port=port)
        await supervisor.keep(program)
        assert answers(port)
    assert "web        ready in" in console.said[1]
    assert console.said[::2] == ["      web | hello from web", "      web | bye"]
    assert (tmp_path / "logs" / "web.log").read_text() == "hello from web\nbye\n"
    assert not answers(port)


async def test_a_program_that_dies_is_started_again(make: Make, console: Heard) -> None:
    port = free_ports(1)[0]
    async with Supervisor(console) as supervisor:
        program = make("web", SERVE, port, port=port)
        await supervisor.keep(program)
        for _ in range(2):
            console.said.clear()
            first = program.pid
            assert first is not None
            os.kill(first, signal.SIGKILL)
            assert await poll(lambda: len(console.said) > 2, within=WITHIN)
            assert console.said[0].startswith("web ended; starting it again in 0.")
            assert "web        ready in" in console.said[2]
            assert program.pid != first
            assert answers(port)


async def test_a_program_that_dies_at_once_is_named_with_its_last_words(
    make: Make, console: Heard
) -> None:
    code = "raise SystemExit('DATABASE_URL: is not set')"
    bad = make("bad", code, port=free_ports(1)[0])

    async def keep() -> None:
        async with Supervisor(console) as supervisor:
            await supervisor.keep(bad)

    with pytest.raises(CannotStart, match="bad did not start: DATABASE_URL: is not"):
        await keep()


async def test_what_is_kept_last_stops_first(make: Make, console: Heard) -> None:
    ports = free_ports(2)
    async with Supervisor(console) as supervisor:
        for name, port in zip(("lower", "upper"), ports, strict=True):
            await supervisor.keep(make(name, SERVE, port, port=port))
    assert [line.split()[0] for line in console.said if "bye" in line] == [
        "upper",
        "lower",
    ]


async def test_a_program_that_does_not_stop_is_killed_with_all_it_started(
    make: Make, console: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.program.STOP_SECONDS", 0.2)
    program = make("deaf", DEAF)
    await program.start()
    assert await poll(lambda: bool(console.said), within=WITHIN)
    await program.stop()
    assert not program.alive
    assert await poll(
        lambda: not alive(int(console.said[0].split()[-1])), within=WITHIN
    )


async def test_a_killed_supervisor_leaves_no_program(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    script = f"""
import asyncio, sys
from pathlib import Path
from deploy.local.console import Console
from deploy.local.logs import ProcessLog
from deploy.local.program import Program
from deploy.local.supervisor import Supervisor

async def main():
    console = Console()
    folder = Path({str(tmp_path)!r})
    program = Program(
        "web", [sys.executable, "-c", {SERVE!r}, "{port}"],
        environment={{"WHO": "web"}},
        folder=folder, log=ProcessLog("web", folder, console.show),
        ready_url="http://127.0.0.1:{port}/",
    )
    async with Supervisor(console) as supervisor:
        await supervisor.keep(program)
        print(program.pid, flush=True)
        await asyncio.sleep(1000)

asyncio.run(main())
"""
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    assert b"hello" in await supervisor.stdout.readline()
    assert b"ready in" in await supervisor.stdout.readline()
    pid = int(await supervisor.stdout.readline())
    assert alive(pid)
    supervisor.kill()
    await supervisor.wait()
    assert await poll(lambda: not alive(pid), within=WITHIN)
    assert not answers(port)


def test_a_json_line_is_readable_and_any_other_is_left_alone() -> None:
    line = (
        '{"level": "info", "timestamp": "2026-01-02T03:04:05Z", "message": "paid",'
        ' "process": "billing", "request_id": "x", "invoice": "2026-000001"}'
    )
    assert readable(line).endswith(" paid invoice=2026-000001")
    assert readable("plain\n") == "plain"
