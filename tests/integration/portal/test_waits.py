"""Whoever tries something too often reads when to try it again."""

from http import HTTPStatus

from aiohttp import web

from tests.integration.gateway.conftest import Services
from tests.integration.portal.browsing import Browser
from tests.integration.portal.doors import HOST, SESSION_TOKEN, open_session, refuse
from tests.support.tokens import a_customer

LOG_IN = "/internal/browser-sessions"
AGAIN = "/api/v1/email-verifications/requests"


def refuse_for(services: Services, path: str, seconds: int) -> None:
    """Let a service refuse a call, and say for how long."""
    refuse(services, path, HTTPStatus.TOO_MANY_REQUESTS, "TooManyAttempts")
    refusing = services.answers[path]

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await refusing(request)
        response.headers["Retry-After"] = str(seconds)
        return response

    services.answers[path] = answer


async def test_a_form_that_was_sent_too_often_says_when_to_send_it_again(
    services: Services, behind_tls: Browser
) -> None:
    refuse_for(services, LOG_IN, 721)
    page = await behind_tls.get("/login")
    answer = await behind_tls.submit(page, "/login", email="a@b.example", password="x")
    assert answer.status == HTTPStatus.TOO_MANY_REQUESTS
    assert "too many attempts. Please try again in 13 minutes." in answer.said


async def test_a_button_that_was_pressed_too_often_says_when_to_press_it_again(
    services: Services, behind_tls: Browser
) -> None:
    open_session(services, a_customer())
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    refuse_for(services, AGAIN, 45)
    page = await behind_tls.get("/forgot-password")
    proof = {"_csrf": page.form("/logout")["_csrf"]}
    answer = await behind_tls.ask("POST", "/verify-email/request", data=proof)
    assert answer.status == HTTPStatus.TOO_MANY_REQUESTS
    assert answer.headers["Retry-After"] == "45"
    assert "Please try again in 45 seconds." in answer.said
