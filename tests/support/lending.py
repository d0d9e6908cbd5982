"""The database that a folder's tests share: its conftest names the process."""

from collections.abc import Iterator

import pytest

from chassis.process import Process
from tests.conftest import LendDatabase
from tests.support.databases import ServiceDatabase


def lent_database(process: Process) -> object:
    """Return a fixture that lends the process's database, empty, to each test.

    A conftest gives it its name: `database = lent_database(PROCESS)`.
    """

    @pytest.fixture
    def database(lend_database: LendDatabase) -> Iterator[ServiceDatabase]:
        with lend_database(process) as lent:
            yield lent

    return database
