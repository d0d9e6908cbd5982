"""Contact information: shown, changed, audited, announced."""

import asyncio
from typing import Any

from tests.integration.accounts.stage import PASSWORD, Stage, with_field

ADDRESS = {"line1": "Rua A, 1", "city": "Santos"}


#: Each is refused, by the name of the field.
BAD_FIELDS: list[tuple[str, object]] = [
    ("name", None),
    ("name", ""),
    ("name", "x" * 201),
    ("name", "two\nlines"),
    ("company", ""),
    ("tax_id", "111.111.111-11"),
    ("country", None),
    ("country", "XX"),
    ("currency", "EUR"),
    ("currency", None),
    ("language", "xx"),
    ("language", None),
    ("time_zone", "Nowhere"),
    ("time_zone", None),
    ("phone", "x"),
    ("address.city", ""),
    ("address.nul", "x"),
    ("email", "no address"),
    ("email", None),
    ("version", 1),
    ("permissions", ["billing"]),
    ("email_verified", True),
    ("customer_id", "00000000-0000-7000-8000-000000000000"),
]


async def test_a_customer_sees_the_contact_information(stage: Stage) -> None:
    client = await stage.signed_in()
    me = (await client.get("/me")).body
    assert me["email"] == "person1@example.com"
    assert (me["kind"], me["role"]) == ("customer", None)
    assert (me["country"], me["currency"], me["language"]) == ("BR", "BRL", "pt-BR")
    assert me["email_verified"] is False


async def test_only_what_is_named_changes(stage: Stage) -> None:
    client = await stage.signed_in()
    before = (await client.get("/me")).body
    answer = await client.patch("/me", {"phone": "+55 11 4000-1000"})
    assert answer.status == 200
    assert answer.body == {**before, "phone": "+55 11 4000-1000"}
    assert (await client.get("/me")).body == answer.body


async def test_null_removes_what_may_be_missing(stage: Stage) -> None:
    email, _ = await stage.register(address=ADDRESS, company="Padaria", phone="12345")
    client = await stage.signed_in(email)
    gone: dict[str, None] = {"address": None, "company": None, "phone": None}
    answer = await client.patch("/me", gone)
    assert answer.body == answer.body | gone


async def test_changes_are_announced_with_rising_versions(stage: Stage) -> None:
    client = await stage.signed_in()
    token = await stage.verification_token()
    await client.post("/email-verifications", {"token": token})
    await client.patch("/me", {"name": "Ana Lima"})
    await client.patch("/me", {"address": ADDRESS})
    events = await stage.events("accounts.customer")
    assert [event.version for event in events] == [1, 2, 3, 4]
    last = events[-1].data
    assert (last["name"], last["address"]["city"]) == ("Ana Lima", "Santos")
    assert last["contacts"][0]["name"] == "Ana Lima"


async def test_a_change_to_the_same_announces_nothing(stage: Stage) -> None:
    client = await stage.signed_in()
    await client.patch("/me", {"name": "Ana Souza", "company": None})
    await client.patch("/me", {})
    assert len(await stage.events("accounts.customer")) == 1


async def test_changes_at_once_get_versions_of_their_own(stage: Stage) -> None:
    client = await stage.signed_in()
    await asyncio.gather(
        *(client.patch("/me", {"phone": f"1234{n}"}) for n in range(8))
    )
    events = await stage.events("accounts.customer")
    assert [event.version for event in events] == list(range(1, 10))


async def test_a_change_is_audited_with_before_and_after(stage: Stage) -> None:
    client = await stage.signed_in()
    await client.patch("/me", {"phone": "12345"})
    [entry, started, registered] = (await client.get("/me/audit")).body["items"]
    assert entry["action"] == "customer.changed"
    assert entry["details"] == {"phone": {"before": None, "after": "12345"}}
    assert entry["actor"].startswith("customer:")
    assert entry["address"] == client.address
    assert started["action"] == "session.started"
    assert registered["action"] == "customer.registered"


async def test_the_audit_log_comes_in_pages(stage: Stage) -> None:
    client = await stage.signed_in()
    for n in range(5):
        await client.patch("/me", {"phone": f"1234{n}"})
    first = (await client.get("/me/audit", limit="4", count="true")).body
    rest = (await client.get("/me/audit", limit="4", cursor=first["next"])).body
    ids = [entry["id"] for entry in first["items"] + rest["items"]]
    assert len(set(ids)) == first["total"] == 7
    assert rest["next"] is None


async def test_nobody_sees_anothers_audit_log(stage: Stage) -> None:
    mine, yours = await stage.signed_in(), await stage.signed_in()
    await yours.patch("/me", {"phone": "12345"})
    actions = [e["action"] for e in (await mine.get("/me/audit")).body["items"]]
    assert "customer.changed" not in actions


async def test_a_new_email_needs_the_password_and_starts_unverified(
    stage: Stage,
) -> None:
    client = await stage.signed_in()
    token = await stage.verification_token()
    await client.post("/email-verifications", {"token": token})
    assert (await client.get("/me")).body["email_verified"] is True

    refused = await client.patch("/me", {"email": "new@example.com"})
    assert (refused.status, refused.fields) == (422, ["current_password"])
    wrong: dict[str, Any] = {"email": "new@example.com", "current_password": "wrong"}
    refused = await client.patch("/me", wrong)
    assert (refused.status, refused.fields) == (422, ["current_password"])

    changed = await client.patch("/me", wrong | {"current_password": PASSWORD})
    assert (changed.status, changed.body["email_verified"]) == (200, False)
    announced = (await stage.events("customer.updated"))[-1]
    assert announced.data["contacts"][0]["email_verified"] is False
    assert (await stage.visitor().log_in("new@example.com")).status == 201


async def test_the_link_to_the_old_address_does_not_verify_the_new_one(
    stage: Stage,
) -> None:
    client = await stage.signed_in()
    old = await stage.verification_token()
    change = {"email": "new@example.com", "current_password": PASSWORD}
    await client.patch("/me", change)
    refused = await client.post("/email-verifications", {"token": old})
    assert refused.status == 422
    new = await stage.verification_token()
    assert (await client.post("/email-verifications", {"token": new})).status == 204
    assert (await client.get("/me")).body["email_verified"] is True


async def test_a_used_link_does_not_verify_again_after_the_address_changed(
    stage: Stage,
) -> None:
    client = await stage.signed_in()
    token = await stage.verification_token()
    await client.post("/email-verifications", {"token": token})
    for email in ("new@example.com", "person1@example.com"):
        change = {"email": email, "current_password": PASSWORD}
        assert (await client.patch("/me", change)).status == 200
    again = await client.post("/email-verifications", {"token": token})
    assert again.status == 422
    assert (await client.get("/me")).body["email_verified"] is False


async def test_an_email_in_use_is_refused(stage: Stage) -> None:
    taken, _ = await stage.register()
    client = await stage.signed_in()
    answer = await client.patch(
        "/me", {"email": taken.upper(), "current_password": PASSWORD}
    )
    assert (answer.status, answer.problem, answer.fields) == (
        409,
        "EmailInUse",
        ["email"],
    )


async def test_moving_to_brazil_needs_a_brazilian_tax_id(stage: Stage) -> None:
    email, _ = await stage.register(country="DE", tax_id="DE 123")
    client = await stage.signed_in(email)
    refused = await client.patch("/me", {"country": "BR"})
    assert (refused.status, refused.fields) == (422, ["tax_id"])
    moved = await client.patch("/me", {"country": "BR", "tax_id": "52998224725"})
    assert moved.status == 200


async def test_each_bad_field_is_refused_by_its_name(stage: Stage) -> None:
    email, _ = await stage.register(address=ADDRESS)
    client = await stage.signed_in(email)
    bodies = [
        with_field({"address": ADDRESS}, field, value) for field, value in BAD_FIELDS
    ]
    refusals = await client.refusals("PATCH", "/me", bodies)
    assert refusals == [(422, [field]) for field, _ in BAD_FIELDS]
    assert len(await stage.events("accounts.customer")) == 1


async def test_staff_have_no_contact_information_to_change(stage: Stage) -> None:
    client = await stage.staff()
    assert (await client.patch("/me", {"name": "Other"})).status == 403


async def test_nobody_gets_in_without_a_token(stage: Stage) -> None:
    routes = (
        ("GET", "/me"),
        ("PATCH", "/me"),
        ("GET", "/me/audit"),
        ("PUT", "/me/password"),
        ("GET", "/sessions"),
        ("DELETE", "/sessions/current"),
        ("POST", "/email-verifications/requests"),
        ("GET", "/staff/customers"),
    )
    answers = [await stage.visitor().ask(method, path) for method, path in routes]
    assert [answer.status for answer in answers] == [401] * len(routes)
