"""What each role may do in a bootstrapped database."""

from uuid import uuid4

import asyncpg
import pytest

from deploy.local.postgres import PrivatePostgres
from deploy.postgres.bootstrap import bootstrap, roles_of

SERVICES = ("apples", "pears")
PASSWORDS = {role: f"p@ss:/{role}" for role in roles_of(SERVICES)}
REFUSED = asyncpg.InsufficientPrivilegeError


@pytest.fixture
async def urls(postgres: PrivatePostgres) -> dict[str, str]:
    """Bootstrap a new database, in which apples' owner has made a table."""
    urls = await bootstrap(postgres.url, SERVICES, PASSWORDS, f"db {uuid4()}")
    await run(urls["apples_owner"], "CREATE TABLE crates (id bigserial, name citext)")
    return urls


async def run(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def test_a_service_reads_and_writes_rows_that_its_owner_made_room_for(
    urls: dict[str, str],
) -> None:
    found = await run(
        urls["apples"],
        "INSERT INTO crates (name) VALUES ('Gala')",
        "UPDATE crates SET name = 'GALA'",
        "SELECT count(*) FROM crates WHERE name = 'gala'",
    )
    assert found == 1
    await run(urls["apples"], "DELETE FROM crates")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE other (id int)",
        "CREATE TABLE public.other (id int)",
        "CREATE TEMPORARY TABLE other (id int)",
        "ALTER TABLE crates ADD COLUMN weight int",
        "DROP TABLE crates",
        "TRUNCATE crates",
    ],
)
async def test_a_service_changes_no_structure_at_run_time(
    urls: dict[str, str], statement: str
) -> None:
    with pytest.raises(REFUSED):
        await run(urls["apples"], statement)


@pytest.mark.parametrize("stranger", ["pears", "pears_owner"])
async def test_a_service_can_not_see_anothers_rows(
    urls: dict[str, str], stranger: str
) -> None:
    with pytest.raises(REFUSED):
        await run(urls[stranger], "SELECT count(*) FROM apples.crates")


async def test_the_auditor_reads_everything_and_changes_nothing(
    urls: dict[str, str],
) -> None:
    assert await run(urls["auditor"], "SELECT count(*) FROM apples.crates") == 0
    for setting in ("on", "off"):
        with pytest.raises((REFUSED, asyncpg.ReadOnlySQLTransactionError)):
            await run(
                urls["auditor"],
                f"SET default_transaction_read_only = {setting}",
                "INSERT INTO apples.crates (name) VALUES ('x')",
            )


async def test_the_observer_reads_the_servers_numbers_and_nobodys_rows(
    urls: dict[str, str],
) -> None:
    seen = (
        "SELECT count(*) FROM pg_stat_activity WHERE query = '<insufficient privilege>'"
    )
    assert await run(urls["observer"], seen) == 0
    assert await run(urls["apples"], seen) != 0
    with pytest.raises(REFUSED):
        await run(urls["observer"], "SELECT count(*) FROM apples.crates")


async def test_a_second_bootstrap_keeps_the_rows_and_takes_new_passwords(
    postgres: PrivatePostgres, urls: dict[str, str]
) -> None:
    await run(urls["apples"], "INSERT INTO crates (name) VALUES ('Gala')")
    name = urls["apples"].rpartition("/")[2].replace("%20", " ")
    changed = PASSWORDS | {"apples": "another"}
    again = await bootstrap(postgres.url, SERVICES, changed, name)
    assert await run(again["apples"], "SELECT count(*) FROM crates") == 1
    await bootstrap(postgres.url, SERVICES, PASSWORDS, name)
