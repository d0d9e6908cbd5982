"""Seeding, republishing, tidying up, settings, and a broken invariant."""

from typing import Any

import pytest
from pydantic import ValidationError

from chassis.checks import run_checks
from chassis.definition import Republisher
from chassis.ids import uuid7
from chassis.jobs import JobRun
from services.accounts.app import PROCESS
from services.accounts.jobs import remove_what_is_over
from tests.integration.accounts.stage import PASSWORD, Stage, registration, settings

#: Of a kind that signs nothing of ours, and long enough to be read without a warning.
OCT_KEY = "c2VjcmV0" * 4


def _member(role: str) -> dict[str, object]:
    return {"email": f"{role}@x.test", "name": role, "role": role, "password": PASSWORD}


async def test_seeding_twice_adds_everybody_once_and_verified(stage: Stage) -> None:
    customer_id = str(uuid7())
    customer = registration(customer_id=customer_id)
    for _ in range(2):
        await stage.seed(staff=[_member("admin")], customers=[customer])
    events = await stage.events()
    assert [event.type for event in events] == [
        "accounts.staff_member.added.v1",
        "accounts.customer.registered.v1",
    ]
    assert str(events[1].subject) == customer_id
    assert events[1].data["contacts"][0]["email_verified"] is True
    assert (await stage.visitor().log_in("ADMIN@x.test")).status == 201


async def test_a_seed_that_breaks_a_rule_is_refused(stage: Stage) -> None:
    with pytest.raises(ValidationError, match="role"):
        await stage.seed(staff=[_member("king")])


async def _all_states(stage: Stage, republisher: Republisher) -> list[Any]:
    states: list[Any] = []
    async with stage.db.reading() as tx:
        while page := await republisher(tx, states[-1].subject if states else None, 2):
            states += page
    return states


async def test_republishing_tells_every_customer_and_staff_member_as_they_are(
    stage: Stage,
) -> None:
    client = await stage.signed_in()
    await client.patch("/me", {"name": "Zuleica"})
    for _ in range(3):
        await stage.register()
    await stage.seed(staff=[_member("admin"), _member("support"), _member("finance")])
    customers = await _all_states(stage, PROCESS.republishers["customers"])
    assert [(c.name, c.version) for c in customers] == [
        ("Zuleica", 2),
        *[("Ana Souza", 1)] * 3,
    ]
    members = await _all_states(stage, PROCESS.republishers["staff_members"])
    assert [m.role for m in members] == ["admin", "support", "finance"]


async def test_what_is_over_is_removed_after_its_time(stage: Stage) -> None:
    client = await stage.signed_in()
    await client.post("/sessions", {"email": "nobody@x.test", "password": "wrong"})
    await client.refresh()
    stage.pass_time(days=200)
    current = await stage.signed_in("person1@example.com")
    await remove_what_is_over(JobRun(uuid7(), stage.resources))
    async with stage.db.reading() as tx:
        left = await tx.fetchrow(
            """
            SELECT (SELECT count(*) FROM sessions) AS sessions,
                   (SELECT count(*) FROM refresh_tokens) AS tokens,
                   (SELECT count(*) FROM link_requests) AS links,
                   (SELECT count(*) FROM attempts) AS attempts
            """
        )
    assert left is not None
    assert dict(left) == {"sessions": 1, "tokens": 1, "links": 0, "attempts": 0}
    assert (await current.get("/me")).status == 200


async def test_a_session_that_outlives_a_reset_is_found_by_the_audit(
    stage: Stage,
) -> None:
    email, _ = await stage.register()
    await stage.signed_in(email)
    await stage.visitor().post("/password-resets", {"email": email})
    token = await stage.reset_token()
    body = {"token": token, "password": "a new pass phrase"}
    await stage.visitor().post("/password-resets/confirm", body)
    revive = "UPDATE sessions SET ended_at = NULL, end_reason = NULL"
    async with stage.db.transaction() as tx:
        await tx.execute(revive)
    report = await run_checks(stage.db, PROCESS.checks)
    assert not report["agrees"]
    async with stage.db.transaction() as tx:
        await tx.execute("DELETE FROM sessions")


async def test_the_database_refuses_a_user_who_is_both_customer_and_staff(
    stage: Stage,
) -> None:
    await stage.register()
    with pytest.raises(Exception, match="users_customer_or_staff"):
        async with stage.db.transaction() as tx:
            await tx.execute("UPDATE users SET role = 'admin'")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("signing_key", "no key"),
        ("signing_key", '{"kty": "oct", "k": "c2VjcmV0"}'),
        ("signing_keys_accepted", "no keys"),
        ("signing_keys_accepted", f'{{"keys": [{{"kty": "oct", "k": "{OCT_KEY}"}}]}}'),
        ("link_key", "short"),
        ("minimum_password_length", 3),
        ("address_limit_factor", 0),
    ],
)
def test_a_wrong_setting_is_named_and_a_secret_one_not_quoted(
    name: str, value: object
) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**{name: value})
    [fault] = refused.value.errors()
    assert fault["loc"] == (name,)
    assert "c2VjcmV0" not in fault["msg"]
