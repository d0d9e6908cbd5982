"""What a process opened at its start, found again by typed key."""

from collections.abc import Sequence
from typing import TypeVar

from aiohttp import web

from chassis.blobs import Blobs
from chassis.checks import Check
from chassis.clock import Clock
from chassis.db import Database
from chassis.settings import ProcessSettings
from chassis.tokens import TokenVerifier

T = TypeVar("T")


class Resources:
    """Holds one value per `aiohttp.web.AppKey`; asking for a missing one raises."""

    def __init__(self) -> None:
        self._values: dict[web.AppKey[object], object] = {}

    def __getitem__(self, key: web.AppKey[T]) -> T:
        return self._values[key]  # pyright: ignore[reportReturnType, reportArgumentType] - __setitem__ stored a T under this key

    def __setitem__(self, key: web.AppKey[T], value: T) -> None:
        self._values[key] = value  # pyright: ignore[reportArgumentType] - AppKey is invariant; the key's own T is checked above

    def __contains__(self, key: web.AppKey[T]) -> bool:
        return key in self._values


#: What every process has, where it is configured.
SETTINGS: web.AppKey[ProcessSettings] = web.AppKey("settings")
DATABASE: web.AppKey[Database] = web.AppKey("database")
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
BLOBS: web.AppKey[Blobs] = web.AppKey("blobs")
#: What is claimed of its data.
CHECKS: web.AppKey[Sequence[Check]] = web.AppKey("checks")
VERIFIER: web.AppKey[TokenVerifier] = web.AppKey("verifier")
