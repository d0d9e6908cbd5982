"""Language and theme are changed without leaving the page, also a refused one."""

from http import HTTPStatus

from tests.integration.gateway.conftest import Services
from tests.integration.portal.browsing import Browser
from tests.integration.portal.doors import refuse

PATH = "/login?next=/invoices"
#: As the reader's browser knows the page.
ADDRESS = f"https://client.example.com{PATH}"


async def test_whoever_changes_the_language_comes_back_to_the_page_and_its_query(
    behind_tls: Browser,
) -> None:
    page = await behind_tls.get(PATH)
    answer = await behind_tls.submit(page, "/appearance", language="pt-BR")
    assert answer.location == PATH


async def test_a_refused_page_leads_back_to_the_one_that_its_form_was_on(
    services: Services, behind_tls: Browser
) -> None:
    refuse(services, "/internal/browser-sessions", HTTPStatus.UNAUTHORIZED, "No")
    page = await behind_tls.get(PATH)
    typed = {"email": "a@b.example", "password": "x"}
    refused = await behind_tls.submit(page, "/login", {"Referer": ADDRESS}, **typed)
    assert refused.status == HTTPStatus.UNPROCESSABLE_ENTITY
    answer = await behind_tls.submit(refused, "/appearance", language="pt-BR")
    assert answer.location == PATH
