"""wrk as the load: C and an event loop, so that what it loads is the bottleneck."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

#: What wrk may take longer than it was asked for.
GRACE_SECONDS = 10

#: Prints what came of it as JSON, for `Load`.
_REPORT = """
function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        'found {"requests": %d, "bytes": %d, "seconds": %f, "failures": %d,'
        .. ' "p50_ms": %f, "p99_ms": %f}\\n',
        summary.requests, summary.bytes, summary.duration / 1e6,
        e.connect + e.read + e.write + e.status + e.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""
#: Requests come at random, as from people who know nothing of each other.
_PAUSE = """
function delay()
    return -math.log(1 - math.random()) * %f
end
"""


@dataclass(frozen=True)
class Load:
    """What came of a load; `failures` counts statuses from 400 on, too."""

    requests: int
    bytes: int
    seconds: float
    failures: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


async def load(
    url: str,
    headers: Mapping[str, str],
    *,
    connections: int,
    seconds: int,
    rate: float | None = None,
) -> Load:
    """Ask the URL over and over: as fast as it answers, or about so often a second."""
    script = _REPORT
    if rate is not None:
        script += _PAUSE % (connections / rate * 1000)
    with TemporaryDirectory(prefix="clientarea-bench-") as folder:
        file = Path(folder) / "script.lua"
        file.write_text(script)
        arguments = ["-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(file)]
        for name, value in headers.items():
            arguments += ["-H", f"{name}: {value}"]
        return _read(await _run(*arguments, url, seconds=seconds + GRACE_SECONDS))


def require_wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise RuntimeError("wrk is not installed: it comes with `apt-get install wrk`")
    return found


async def _run(*arguments: str, seconds: float) -> str:
    process = await asyncio.create_subprocess_exec(
        *(require_wrk(), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    return output.decode()


def _read(output: str) -> Load:
    for line in output.splitlines():
        if line.startswith("found "):
            return Load(**json.loads(line.removeprefix("found ")))
    raise RuntimeError(f"wrk said: {output[-2000:]}")
