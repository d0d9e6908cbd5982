"""Customers as staff find them."""

from chassis.ids import uuid7
from tests.integration.accounts.stage import Stage


async def _found(stage: Stage, **query: str) -> list[str]:
    client = await stage.staff()
    answer = await client.get("/staff/customers", **query)
    assert answer.status == 200, answer.body
    return [customer["name"] for customer in answer.body["items"]]


async def test_staff_list_customers_newest_first(stage: Stage) -> None:
    for name in ("First", "Second", "Third"):
        await stage.register(name=name)
    assert await _found(stage) == ["Third", "Second", "First"]


async def test_a_customer_is_found_by_name_company_email_and_document(
    stage: Stage,
) -> None:
    await stage.register(
        name="João Núñez",
        company="Padaria & Filhos",
        email="joao.nunez@example.com",
        tax_id="529.982.247-25",
    )
    await stage.register(name="Somebody Else")
    searches = (
        "joão",
        "JOAO",
        "joa",
        "nunez joao",
        "padaria",
        "joao.nunez@example.com",
        "joao.nunez@EXAMPLE",
        "529.982.247-25",
        "52998224725",
        "5299",
    )
    for q in searches:
        assert await _found(stage, q=q) == ["João Núñez"], q


async def test_odd_searches_find_or_not_but_break_nothing(stage: Stage) -> None:
    await stage.register(name="Xavier")
    for q in ("'", "& | !", ":*", "a'b\\", "%", "\N{GRINNING FACE}"):
        assert await _found(stage, q=q) == [], q
    assert await _found(stage, q="' | 'x'") == ["Xavier"]


async def test_a_new_name_is_found_and_the_old_one_no_more(stage: Stage) -> None:
    client = await stage.signed_in()
    await client.patch("/me", {"name": "Zuleica"})
    assert await _found(stage, q="zuleica") == ["Zuleica"]
    assert await _found(stage, q="souza") == []


async def test_the_list_comes_in_pages(stage: Stage) -> None:
    for n in range(5):
        await stage.register(name=f"Person {n}")
    client = await stage.staff()
    first = (await client.get("/staff/customers", limit="3", count="true")).body
    rest = await client.get("/staff/customers", limit="3", cursor=first["next"])
    names = [item["name"] for item in first["items"] + rest.body["items"]]
    assert names == [f"Person {n}" for n in (4, 3, 2, 1, 0)]
    assert (first["total"], rest.body["next"]) == (5, None)


async def test_each_bad_parameter_is_named(stage: Stage) -> None:
    client = await stage.staff()
    bad = (
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "x"),
        ("count", "perhaps"),
        ("q", "x" * 201),
        ("name", "Ana"),
    )
    for field, value in bad:
        answer = await client.get("/staff/customers", **{field: value})
        assert (answer.status, answer.fields) == (422, [field])
    assert (await client.get("/staff/customers", cursor="nonsense")).status == 400


async def test_staff_see_one_customer_with_its_people(stage: Stage) -> None:
    email, customer_id = await stage.register()
    client = await stage.staff()
    answer = await client.get(f"/staff/customers/{customer_id}")
    assert answer.body["people"][0]["email"] == email
    assert (await client.get(f"/staff/customers/{uuid7()}")).status == 404
    assert (await client.get("/staff/customers/none")).status == 422


async def test_customers_see_no_customers(stage: Stage) -> None:
    client = await stage.signed_in()
    assert (await client.get("/staff/customers")).status == 403
    assert (await client.get(f"/staff/customers/{uuid7()}")).status == 403
