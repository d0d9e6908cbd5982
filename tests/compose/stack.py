"""One stack of containers under a name and on ports of the test's own."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.compose.engine import ROOT

PROCESSES = ("accounts", "billing", "tickets", "notifier", "gateway")
#: The first call builds the image from nothing.
CALL_SECONDS = 1800
OPERATE = ("run", "--rm", "-T", "--no-deps", "operate")
#: What a log line has that tells of nothing unusual.
INFO = '"level": "info"'
BACK_SECONDS = 300
POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Container:
    """What the engine says of one container."""

    facts: dict[str, Any]

    @property
    def id(self) -> str:
        return self.facts["Id"]

    @property
    def name(self) -> str:
        return self.facts["Name"].strip("/")

    @property
    def image(self) -> str:
        return self.facts["Image"]

    @property
    def is_well(self) -> bool:
        state = self.facts["State"]
        return state["Running"] and state.get("Health", {}).get("Status") == "healthy"

    @property
    def started_at(self) -> str:
        return self.facts["State"]["StartedAt"]

    @property
    def health_check(self) -> list[str]:
        kind, *command = self.facts["Config"]["Healthcheck"]["Test"]
        assert kind == "CMD", f"{self.name}: {kind} needs a shell of its own"
        return command


@dataclass(frozen=True)
class Stack:
    """Compose, told where and as what."""

    environment: Mapping[str, str]

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['CLIENTAREA_PORT']}"

    @property
    def mailbox_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['MAILBOX_PORT']}"

    @property
    def secrets(self) -> Path:
        return Path(self.environment["CLIENTAREA_DATA"]) / "secrets"

    def told(self, **variables: str) -> Self:
        """Return the same stack, told something else."""
        return type(self)({**self.environment, **variables})

    def compose(self, *arguments: str) -> str:
        return self.docker("compose", *arguments)

    def logs(self) -> str:
        """Return the last that everybody said, and how each is."""
        told = self.tried("compose", "ps", "--all").stdout
        told += "\n".join(
            str(c.facts["State"]) for c in self.containers() if not c.is_well
        )
        said = self.tried("compose", "logs", "--tail", "100").stdout.splitlines()
        return "\n".join([told, *(line for line in said if INFO not in line), ""])

    def docker(self, *arguments: str) -> str:
        """Run it to its end; an AssertionError shows what it said of a fault."""
        done = self.tried(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def tried(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(self.environment["DOCKER"], *arguments)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
        )

    def python(self, *arguments: str, **variables: str) -> str:
        """Run a module of the project, as operators do; return what it said."""
        done = self.told(**variables).run(sys.executable, "-m", *arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def beginning(self, module: str, **variables: str) -> Generator[None]:
        """Run a module of the project while the block runs, and kill it then."""
        running = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=self.told(**variables).environment,
        )
        try:
            yield
        finally:
            running.kill()
            running.wait()

    def operate(self, *arguments: str) -> str:
        return self.compose(*OPERATE, *arguments)

    def tried_to_operate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.tried("compose", *OPERATE, *arguments)

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text("utf-8").strip()

    def containers(self, service: str | None = None) -> list[Container]:
        chosen = [service] if service else []
        ids = self.compose("ps", "--all", "--quiet", *chosen).split()
        said = self.docker("inspect", *ids) if ids else "[]"
        found: list[dict[str, Any]] = json.loads(said)
        return [Container(each) for each in found]

    def container(self, service: str) -> Container:
        [only] = self.containers(service)
        return only

    def end_all_in(self, container: Container) -> None:
        """Kill -9 all that runs in it, as a crash would.

        `docker kill` would not do: what a person has ended isn't started again.
        """
        self.tried("exec", container.id, "sh", "-c", "kill -9 -1")

    def is_back(self, fallen: Container) -> bool:
        """Whether it runs anew and its health check says it is well.

        The check is asked now: its next turn is only due in some seconds.
        """
        found = json.loads(self.docker("inspect", fallen.id))
        now = Container(found[0])
        return (
            now.started_at != fallen.started_at
            and self.tried("exec", now.id, *now.health_check).returncode == 0
        )

    def metric(self, container: Container, pattern: str) -> float:
        """Return the sum of the container's samples whose line has the pattern."""
        script = (
            "import urllib.request as u;"
            "print(u.urlopen('http://127.0.0.1:9100/metrics').read().decode())"
        )
        text = self.docker("exec", container.id, "python", "-c", script)
        lines = [line for line in text.splitlines() if re.search(pattern, line)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def passwords(self) -> dict[str, str]:
        return json.loads((self.secrets / "demo_people.json").read_text())


def wait_until(holds: Callable[[], bool], what: str) -> float:
    """Poll until it holds; return how many seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < BACK_SECONDS, f"never: {what}"
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began
