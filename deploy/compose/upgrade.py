"""Replaces every process by a new release, one replica at a time, without a gap.

`python -m deploy.compose.upgrade` in the folder of docker-compose.yml: it builds,
migrates while the older release runs, and then, service by service, starts a new
replica beside each old one, waits until it is ready, and lets the old one finish. Run
again after a fault, or after it was interrupted, it goes on where it was.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.compose import halfway
from deploy.compose.faults import CannotGoOn
from deploy.compose.halfway import Halfway
from deploy.compose.secretfiles import folder, make

#: The gateway last: it may call what only the new services have.
SERVICES = ("accounts", "billing", "tickets", "notifier", "gateway")
READY_SECONDS = 120
POLL_SECONDS = 0.5
#: Longer than a process takes to drain.
STOP_SECONDS = 40
#: What shells have for a command that Ctrl-C ended.
INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One container of a service."""

    id: str
    image: str
    #: Tells one configuration from another.
    settings: str
    #: `healthy`, `starting`, `unhealthy`, or what the container is if it doesn't run.
    health: str
    runs: bool
    #: The command that tells whether it is ready, if it has one.
    check: tuple[str, ...]
    #: In a form that sorts.
    made_at: str


def upgrade(
    services: Sequence[str] = SERVICES, *, build: bool, every: bool = False
) -> None:
    """Do it all; raises CannotGoOn with the first thing that went wrong.

    `every` replaces those of this release, too, as after a change of secrets.
    """
    make(folder(), os.environ)
    _settle()
    _say("building" if build else "taking the images that are there")
    if build:
        _compose("build", "--quiet", "migrate")
    _say("migrating")
    _compose("run", "--rm", "--no-deps", "migrate")
    for service in services:
        _replace(service, every=every)
    told = "every process" if set(services) == set(SERVICES) else ", ".join(services)
    _say(f"done: {told} is of the new release")


def _settle() -> None:
    """Finish or undo the one replacement that an earlier run was in the middle of."""
    if begun := halfway.begun():
        replicas = _replicas(begun.service)
        leaving = next((each for each in replicas if each.id == begun.leaving), None)
        # More than that were asked for by a person meanwhile.
        if leaving and len(replicas) == begun.wanted + 1:
            _say(f"{begun.service}: an interrupted run left one replica too many")
            _retire(_surplus(replicas, leaving))
    halfway.forget()


def _surplus(replicas: Sequence[Replica], leaving: Replica) -> Replica:
    """Return the one that serves nobody, or has its successor, or was to be that."""
    if stopped := [each for each in replicas if not each.runs]:
        return stopped[0]
    newest = max(replicas, key=lambda each: each.made_at)
    return leaving if _is_ready(newest) else newest


def _replace(service: str, *, every: bool) -> None:
    replicas, is_new = _replicas(service), _novelty(service)
    old = [each for each in replicas if every or not is_new(each)]
    began = time.monotonic()
    for replica in old:
        halfway.note(Halfway(service, replica.id, wanted=len(replicas)))
        # One more than there are: compose leaves the others as they are.
        _scale(service, len(replicas) + 1)
        _await_ready(service, known={each.id for each in replicas})
        _retire(replica)
        halfway.forget()
        replicas = _replicas(service)
    if old:
        said = f"{len(old)} replaced in {time.monotonic() - began:.0f} s"
    else:
        said = "is of this release" if replicas else "doesn't run: nothing to replace"
    _say(f"{service}: {said}")


def _novelty(service: str) -> Callable[[Replica], bool]:
    """Return what tells whether a replica is as the files here want it."""
    configured = json.loads(_compose("config", "--format", "json"))
    name = configured["services"][service]["image"]
    image = _docker("image", "inspect", "--format", "{{.Id}}", name).strip()
    settings = _compose("config", "--hash", service).split()[-1]
    return lambda replica: replica.image == image and replica.settings == settings


def _replicas(service: str) -> list[Replica]:
    ids = _compose("ps", "--all", "--quiet", service).split()
    if not ids:
        return []
    found = json.loads(_docker("inspect", *ids))
    return [
        Replica(
            id=each["Id"],
            image=each["Image"],
            settings=each["Config"]["Labels"].get("com.docker.compose.config-hash", ""),
            health=_health(each["State"]),
            runs=each["State"]["Running"],
            check=_check(each["Config"].get("Healthcheck") or {}),
            made_at=each["Created"],
        )
        for each in found
    ]


def _health(state: Mapping[str, Any]) -> str:
    if not state["Running"]:
        return state["Status"]
    return state.get("Health", {}).get("Status", "")


def _check(told: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    match tuple(told.get("Test") or ()):
        case ("CMD", *command):
            return tuple(command)
        case _:
            return ()


def _scale(service: str, number: int) -> None:
    _compose(
        *("up", "--detach", "--no-deps", "--no-recreate", "--no-build"),
        *("--scale", f"{service}={number}", service),
    )


def _await_ready(service: str, *, known: Collection[str]) -> None:
    """Wait until a replica is ready that wasn't known before."""
    deadline = time.monotonic() + READY_SECONDS
    new: list[Replica] = []
    while time.monotonic() < deadline:
        new = [each for each in _replicas(service) if each.id not in known]
        if any(map(_is_ready, new)):
            return
        time.sleep(POLL_SECONDS)
    for each in new:
        _docker("stop", each.id)
    raise CannotGoOn(
        f"{service}: the new release isn't ready after {READY_SECONDS} s, and is"
        f" stopped; the older one still serves. `docker compose logs {service}` says"
        " why; to go back, check the older release out and run this again"
    )


def _is_ready(replica: Replica) -> bool:
    """Whether it is ready by now: the engine would only ask in some seconds."""
    if not replica.runs or not replica.check:
        return replica.health == "healthy"
    return _tried("exec", replica.id, *replica.check).returncode == 0


def _retire(replica: Replica) -> None:
    """Let it finish what it has begun, and remove it."""
    _docker("stop", "--time", str(STOP_SECONDS), replica.id)
    _docker("rm", "--force", "--volumes", replica.id)


def _compose(*arguments: str) -> str:
    return _docker("compose", *arguments)


def _docker(*arguments: str) -> str:
    done = _tried(*arguments)
    if done.returncode != 0:
        raise CannotGoOn(f"{_shown(arguments)}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _tried(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = os.environ.get("DOCKER") or "docker"
    try:
        return subprocess.run(  # noqa: S603 - arguments are ours
            [program, *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise CannotGoOn(f"{program} is not installed") from None


def _shown(arguments: Sequence[str]) -> str:
    return " ".join(("docker", *arguments[:6]))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--no-build", action="store_true", help="the new image is there already"
    )
    parser.add_argument(
        "--every", action="store_true", help="replace those of this release, too"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=SERVICES,
        help="replace those of this service alone; may be repeated",
    )
    told = parser.parse_args()
    try:
        upgrade(told.only or SERVICES, build=not told.no_build, every=told.every)
    except KeyboardInterrupt:
        _say("interrupted: all that serves goes on; run it again to go on with it")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
