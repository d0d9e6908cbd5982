"""The first page's panels of billing are what their own routes answer."""

from tests.integration.billing_orders.stage import Person, Stage
from tests.support.tokens import a_customer

OVERVIEW = "/internal/overview"


async def test_the_overview_is_what_its_routes_answer(stage: Stage) -> None:
    ana, bob = await stage.customer(), await stage.customer()
    for _ in range(3):
        await ana.order()
    await bob.order()
    few = {"limit": "2", "count": "true"}
    overview = (await ana.get(OVERVIEW, limit="2")).body
    assert overview == {
        "services": (await ana.get("/services", **few)).body,
        "domains": (await ana.get("/domains", **few)).body,
        "open_invoices": (await ana.get("/invoices/outstanding")).body,
    }
    assert overview["services"]["total"] == 3
    assert overview["open_invoices"]["invoices"] == 3


async def test_the_overview_leaves_out_what_the_caller_may_not_see(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    await ana.order()
    whole = (await ana.get(OVERVIEW)).body
    keeper = _beside(ana, "services")
    assert (await keeper.get(OVERVIEW)).body == {**whole, "open_invoices": None}
    biller = _beside(ana, "billing")
    assert (await biller.get(OVERVIEW)).body == {
        "services": None,
        "domains": None,
        "open_invoices": whole["open_invoices"],
    }
    for person in (await stage.customer("tickets"), stage.staff("services.read")):
        assert (await person.get(OVERVIEW)).status == 403


async def test_the_overview_is_asked_for_as_strictly_as_anything(stage: Stage) -> None:
    ana = await stage.customer()
    for query in ({"limit": "0"}, {"limit": "101"}, {"count": "true"}):
        assert (await ana.get(OVERVIEW, **query)).status == 422


def _beside(person: Person, *permissions: str) -> Person:
    """Return somebody else who acts for the same customer."""
    colleague = a_customer(*permissions, customer_id=person.customer_id)
    return Person(colleague, person.http)
