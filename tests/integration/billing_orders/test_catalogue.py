"""The catalogue: open to everybody, in the shop's order."""

from typing import Any

from tests.integration.billing_orders.stage import Stage


async def get(stage: Stage, path: str, **query: str) -> tuple[int, Any]:
    """Ask without a token."""
    async with stage.http.get(f"/api/v1{path}", params=query) as response:
        return response.status, await response.json()


async def slugs(stage: Stage, **query: str) -> list[str]:
    status, page = await get(stage, "/products", **query)
    assert status == 200
    return [product["slug"] for product in page["items"]]


async def texts(
    stage: Stage, headers: dict[str, str], query: dict[str, str]
) -> tuple[str, str, str]:
    """Return how a visitor reads of the certificate, on its own and in the list."""
    path = "/api/v1/products"
    async with stage.http.get(path, params=query, headers=headers) as response:
        listed = (await response.json())["items"]
    path = "/api/v1/products/certificate"
    async with stage.http.get(path, params=query, headers=headers) as response:
        shown = await response.json()
    assert shown in listed
    return shown["name"], shown["group"], shown["description"]


async def test_visitors_see_what_is_sold_and_what_it_costs(stage: Stage) -> None:
    status, product = await get(stage, "/products/start")
    assert status == 200
    assert product == {
        "slug": "start",
        "name": "Web Start",
        "group": "Web hosting",
        "description": "One site.",
        "prices": [
            {
                "period": "monthly",
                "amount": {"amount": "29.90", "currency": "BRL"},
                "setup_fee": {"amount": "0.00", "currency": "BRL"},
            },
            {
                "period": "annual",
                "amount": {"amount": "299.00", "currency": "BRL"},
                "setup_fee": {"amount": "15.50", "currency": "BRL"},
            },
            {
                "period": "monthly",
                "amount": {"amount": "7.90", "currency": "USD"},
                "setup_fee": {"amount": "0.00", "currency": "USD"},
            },
        ],
    }


async def test_the_list_keeps_the_order_of_the_seed(stage: Stage) -> None:
    assert await slugs(stage) == ["start", "server", "certificate", "trial"]


async def test_a_currency_shows_only_what_is_sold_in_it(stage: Stage) -> None:
    assert await slugs(stage, currency="USD") == ["start"]
    _, product = await get(stage, "/products/start", currency="USD")
    assert [price["amount"]["currency"] for price in product["prices"]] == ["USD"]
    assert (await get(stage, "/products/server", currency="USD"))[0] == 404
    assert (await get(stage, "/products", currency="ZZZ"))[0] == 422


async def test_pages_join_up(stage: Stage) -> None:
    seen: list[str] = []
    query = {"limit": "3", "count": "true"}
    while True:
        _, page = await get(stage, "/products", **query)
        assert page["total"] == 4
        seen += [product["slug"] for product in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == ["start", "server", "certificate", "trial"]


async def test_visitors_read_the_catalogue_in_their_language(stage: Stage) -> None:
    english, portuguese = (
        ("Certificate", "Extras", "Bought once."),
        ("Certificado", "Extras", "Comprado uma vez."),
    )
    for headers, query, expected in (
        ({}, {}, english),
        ({"Accept-Language": "pt-BR"}, {}, portuguese),
        ({"Accept-Language": "pt-BR"}, {"language": "en"}, english),
        ({}, {"language": "pt-BR"}, portuguese),
    ):
        assert await texts(stage, headers, query) == expected
    assert (await get(stage, "/products", language="de"))[0] == 422


async def test_customers_read_the_catalogue_in_the_language_of_their_token(
    stage: Stage,
) -> None:
    ana = await stage.customer(language="pt-BR")
    shown = await ana.get("/products/certificate")
    assert shown.body["name"] == "Certificado"
    [*_, certificate, _] = (await ana.get("/products")).body["items"]
    assert certificate == shown.body
    shown = await ana.get("/products/certificate", language="en")
    assert shown.body["name"] == "Certificate"


async def test_what_is_bought_is_called_as_its_customer_would(stage: Stage) -> None:
    item = {"product": "certificate", "period": "one_time"}
    for language, name in (("en", "Certificate"), ("pt-BR", "Certificado")):
        ana = await stage.customer(language=language)
        order = await ana.order(item)
        [line] = (await ana.invoice(order["invoice_id"]))["lines"]
        assert line["description"] == name
        service = await ana.service(order["service_ids"][0])
        assert (service["product_name"], service["label"]) == (name, name)
        assert service["product"] == "certificate"


async def test_an_unknown_product_is_not_found(stage: Stage) -> None:
    assert (await get(stage, "/products/nothing"))[0] == 404
