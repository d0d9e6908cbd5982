"""Who may see and do what; what is another's isn't there."""

from datetime import UTC, date, datetime, timedelta

import pytest

from chassis.ids import uuid7
from tests.integration.billing_orders.stage import Person, Stage, days, staged
from tests.support.databases import ServiceDatabase

ITEM = {"product": "start", "period": "monthly"}
FAULTY_ORDERS: list[tuple[object, list[str]]] = [
    ({}, ["items"]),
    ({"items": []}, ["items"]),
    ({"items": [ITEM] * 21}, ["items"]),
    ({"items": "start"}, ["items"]),
    ({"items": [{}]}, ["items.0.product", "items.0.period"]),
    ({"items": [{**ITEM, "product": 7}]}, ["items.0.product"]),
    ({"items": [{**ITEM, "product": ""}]}, ["items.0.product"]),
    ({"items": [{**ITEM, "product": "x" * 61}]}, ["items.0.product"]),
    ({"items": [{**ITEM, "product": "nothing"}]}, ["items.0.product"]),
    ({"items": [ITEM, {**ITEM, "period": "weekly"}]}, ["items.1.period"]),
    ({"items": [{**ITEM, "period": "biennial"}]}, ["items.0.period"]),
    ({"items": [{**ITEM, "quantity": 0}]}, ["items.0.quantity"]),
    ({"items": [{**ITEM, "quantity": 21}]}, ["items.0.quantity"]),
    ({"items": [{**ITEM, "quantity": "2"}]}, ["items.0.quantity"]),
    ({"items": [{**ITEM, "quantity": 1.5}]}, ["items.0.quantity"]),
    ({"items": [{**ITEM, "quantity": True}]}, ["items.0.quantity"]),
    ({"items": [{**ITEM, "label": " "}]}, ["items.0.label"]),
    ({"items": [{**ITEM, "label": "x" * 101}]}, ["items.0.label"]),
    ({"items": [{**ITEM, "label": "two\nlines"}]}, ["items.0.label"]),
    ({"items": [{**ITEM, "label": "a\0b"}]}, ["items.0.label"]),
    ({"items": [{**ITEM, "price": "0.01"}]}, ["items.0.price"]),
    ({"items": [ITEM], "use_credit": "yes"}, ["use_credit"]),
    ({"items": [ITEM], "promotion": "SPRING"}, ["promotion"]),
]
FAULTY_RUNS: list[tuple[object, list[str]]] = [
    ({}, ["on"]),
    ({"on": 0}, ["on"]),
    ({"on": "2027-02-30"}, ["on"]),
    ({"on": "1999-12-31"}, ["on"]),
    ({"on": "2200-01-01"}, ["on"]),
    ({"on": "2027-01-01", "dry": True}, ["dry"]),
]
FAULTY_INSTANTS = [
    *(None, 0, "tomorrow", "2027-01-01", "2027-01-01T00:00:00"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-09:00"),
]
FAULTY_QUESTIONS: list[tuple[str, dict[str, str], int]] = [
    ("/invoices", {"status": "late"}, 422),
    ("/invoices", {"status": "open,late"}, 422),
    ("/invoices", {"status": "open,open"}, 422),
    ("/invoices", {"status": ""}, 422),
    ("/invoices", {"limit": "0"}, 422),
    ("/invoices", {"limit": "101"}, 422),
    ("/invoices", {"page": "2"}, 422),
    ("/services", {"status": "open"}, 422),
    ("/invoices", {"cursor": "!"}, 400),
    ("/orders", {"cursor": "bm9uc2Vuc2U"}, 400),
    ("/invoices/7", {}, 422),
]


async def test_anothers_things_are_not_found(stage: Stage) -> None:
    ana, bob = await stage.customer(), await stage.customer()
    order = await ana.order()
    for path in (
        f"/orders/{order['id']}",
        f"/services/{order['service_ids'][0]}",
        f"/invoices/{order['invoice_id']}",
        f"/invoices/{order['invoice_id']}/pdf",
    ):
        assert (await ana.get(path)).status == 200
        foreign, unknown = await bob.get(path), await bob.get(_elsewhere(path))
        assert (foreign.status, unknown.status) == (404, 404)
        assert foreign.body["title"] == unknown.body["title"]
    for path in ("/orders", "/services", "/invoices"):
        assert (await bob.get(path, count="true")).body["total"] == 0


async def test_each_right_opens_its_own_routes(stage: Stage) -> None:
    biller = await stage.customer("billing")
    assert (await biller.get("/invoices")).status == 200
    assert (await biller.get("/services")).status == 403
    assert (await biller.post("/orders", {"items": [ITEM]})).status == 403
    keeper = await stage.customer("services")
    assert (await keeper.get("/invoices")).status == 403
    assert (await keeper.get("/invoices/outstanding")).status == 403
    assert (await keeper.get("/staff/invoices")).status == 403
    support = stage.staff("invoices.read", "orders.read", "services.read")
    assert (await support.get("/staff/invoices")).status == 200
    assert (await support.get("/invoices")).status == 403
    on = {"on": str(stage.today)}
    assert (await support.post("/staff/billing-runs", on)).status == 403
    now = {"now": "2027-01-01T00:00:00Z"}
    assert (await support.put("/staff/clock", now)).status == 403
    assert (await support.get("/staff/clock")).status == 200
    assert (await keeper.get("/staff/clock")).status == 403
    assert (await support.get("/staff/billing-runs")).status == 403
    biller = stage.staff("billing.run")
    assert (await biller.get("/staff/clock")).status == 200
    assert (await biller.put("/staff/clock", now)).status == 403


async def test_staff_find_an_invoice_by_its_number(stage: Stage) -> None:
    ana, bob = await stage.customer(), await stage.customer()
    invoice = await ana.invoice((await ana.order())["invoice_id"])
    await bob.order()
    finance = stage.finance
    for query in ({"q": invoice["number"]}, {"customer_id": str(ana.customer_id)}):
        found = (await finance.get("/staff/invoices", **query)).body["items"]
        assert [one["id"] for one in found] == [invoice["id"]]
    everything = await finance.get("/staff/invoices", status="open", count="true")
    assert everything.body["total"] == 2
    shown = await finance.get(f"/staff/invoices/{invoice['id']}")
    assert shown.body == {**invoice, "customer_name": "Ana Souza"}
    printed = await finance.get(f"/staff/invoices/{invoice['id']}/pdf")
    assert printed.content.startswith(b"%PDF-")
    for path in ("/staff/orders", "/staff/services"):
        listed = await finance.get(path, customer_id=str(ana.customer_id))
        [one] = listed.body["items"]
        assert one["customer_name"] == "Ana Souza"
        assert (await finance.get(f"{path}/{one['id']}")).body == one


async def test_outstanding_is_the_sum_of_what_remains(stage: Stage) -> None:
    ana = await stage.customer()
    first, second = await ana.order(), await ana.order()
    paid = await ana.order()
    await stage.pay(ana, paid["invoice_id"])
    await stage.pay(ana, second["invoice_id"], amount="9.90")
    assert (await ana.get("/invoices/outstanding")).body == {
        "totals": [{"amount": "49.90", "currency": "BRL"}],
        "invoices": 2,
    }
    assert [invoice["id"] for invoice in await ana.invoices(status="open")] == [
        first["invoice_id"],
        second["invoice_id"],
    ]


async def test_a_faulty_order_names_the_field_and_orders_nothing(stage: Stage) -> None:
    ana = await stage.customer()
    for body, fields in FAULTY_ORDERS:
        for path in ("/orders", "/orders/preview"):
            answer = await ana.post(path, body)
            assert (answer.status, answer.fields) == (422, fields), body
    assert (await ana.get("/orders", count="true")).body["total"] == 0
    assert (await ana.get("/services", count="true")).body["total"] == 0


async def test_a_faulty_run_names_the_field(stage: Stage) -> None:
    for body, fields in FAULTY_RUNS:
        answer = await stage.finance.post("/staff/billing-runs", body)
        assert (answer.status, answer.fields) == (422, fields), body


async def test_a_faulty_instant_moves_no_clock(stage: Stage) -> None:
    for now in FAULTY_INSTANTS:
        answer = await stage.finance.put("/staff/clock", {"now": now})
        assert (answer.status, answer.fields) == (422, ["now"]), now
    shown = await stage.finance.get("/staff/clock")
    assert (shown.body["today"], shown.body["sandbox"]) == (str(stage.today), True)


async def test_a_faulty_question_is_refused(stage: Stage) -> None:
    ana = await stage.customer()
    for path, query, status in FAULTY_QUESTIONS:
        assert (await ana.get(path, **query)).status == status, (path, query)


async def test_invoices_can_be_listed_by_several_statuses(stage: Stage) -> None:
    ana = await stage.customer()
    paid, voided, open_ = [(await ana.order())["invoice_id"] for _ in range(3)]
    await stage.pay(ana, paid)
    reason = {"reason": "ordered twice"}
    await stage.finance.post(f"/staff/invoices/{voided}/void", reason)
    previous = await ana.invoices(status="void,paid")
    assert [invoice["id"] for invoice in previous] == [paid, voided]
    assert [i["id"] for i in await ana.invoices(status="open")] == [open_]
    listed = await stage.finance.get(
        "/staff/invoices", status="void,paid", count="true"
    )
    assert listed.body["total"] == 2


async def test_pages_of_invoices_join_up(stage: Stage) -> None:
    ana = await stage.customer()
    placed = [(await ana.order())["invoice_id"] for _ in range(5)]
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = (await ana.get("/invoices", **query)).body
        seen += [invoice["id"] for invoice in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == placed[::-1]


async def test_runs_are_kept_with_what_they_did(stage: Stage) -> None:
    reports = [await stage.run(stage.today + days(n)) for n in range(3)]
    listed = await stage.finance.get("/staff/billing-runs", count="true")
    assert listed.body["items"] == reports[::-1]
    assert listed.body["total"] == 3
    for report in reports:
        shown = await stage.finance.get(f"/staff/billing-runs/{report['id']}")
        assert shown.body == report
    unknown = await stage.finance.get(f"/staff/billing-runs/{uuid7()}")
    assert unknown.status == 404
    async with stage.db.reading() as tx:
        audited = await tx.fetchval(
            "SELECT count(*) FROM audit_log WHERE action = 'billing.run'"
        )
    assert audited == 3


async def test_the_clock_moves_business_dates_and_is_announced(stage: Stage) -> None:
    await stage.set_date(date(2027, 1, 31))
    order = await (await stage.customer()).order()
    assert order["placed_on"] == "2027-01-31"
    await stage.set_date(stage.today)
    async with stage.db.reading() as tx:
        versions = await tx.fetch(
            "SELECT version FROM outbox WHERE type = 'billing.clock.moved.v1'"
            " ORDER BY seq"
        )
    assert [row["version"] for row in versions] == [1, 2]


async def test_a_clock_that_is_put_right_goes_by_the_real_time_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.set_date(date(2027, 1, 31))
    now = datetime.now(UTC)
    monkeypatch.setattr(stage.billing.clock, "now", lambda: now)
    told = now - timedelta(seconds=3)
    answer = await stage.finance.put("/staff/clock", {"now": told.isoformat()})
    assert answer.status == 200
    assert stage.billing.clock.shift == timedelta()


async def test_without_the_sandbox_there_is_no_clock_and_no_tomorrow(
    database: ServiceDatabase,
) -> None:
    async with staged(database, sandbox_clock=False) as stage:
        finance: Person = stage.finance
        clock = await finance.get("/staff/clock")
        assert (clock.body["today"], clock.body["sandbox"]) == (str(stage.today), False)
        now = {"now": "2027-01-01T00:00:00Z"}
        assert (await finance.put("/staff/clock", now)).status == 404
        refused = await finance.post(
            "/staff/billing-runs", {"on": str(stage.today + days(1))}
        )
        assert (refused.status, refused.fields) == (422, ["on"])
        assert (await stage.run(stage.today))["issued"] == 0


def _elsewhere(path: str) -> str:
    parts = path.split("/")
    parts[2] = str(uuid7())
    return "/".join(parts)
