"""What happened before you came: the demo customers' first days, by the public API.

Each step carries an idempotency key, so that a history cut short goes on where it was.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

import aiohttp
from aiohttp import JsonPayload
from pydantic import JsonValue

from deploy.local.demo.company import FOLDER, Login
from deploy.local.faults import CannotStart

API = "/api/v1"
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30)
#: Events may still be on their way just after the start.
PATIENCE_SECONDS = 30
PAUSE_SECONDS = 0.2
COME_BACK = {
    HTTPStatus.CONFLICT,  # the step was begun by a run that was cut short
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
PROOF = "proof.pdf"
BANK_REFERENCE = "7F3A.91C2.0D48.E6B5"

Json = dict[str, JsonValue]
#: Makes the body of a request, anew each time it is sent.
Content = Callable[[], JsonPayload | aiohttp.FormData]


async def make_history(gateway_url: str, logins: Sequence[Login]) -> None:
    """Let customers order, pay and ask, and staff confirm and answer."""
    staff = {login.role: login for login in logins if login.role != "customer"}
    ana, sam = [login for login in logins if login.role == "customer"]
    async with aiohttp.ClientSession(gateway_url, timeout=REQUEST_TIMEOUT) as session:
        customer = await _log_in(session, ana)
        finance = await _log_in(session, staff["finance"])
        support = await _log_in(session, staff["support"])
        await _buy_and_pay(customer, finance)
        await customer.order("mail", "email-team", "monthly")
        await _ask_and_answer(customer, support)
        await (await _log_in(session, sam)).order("server", "vps-2", "monthly")


class _Caller:
    """Somebody who is logged in."""

    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        self._session = session
        self._token = token

    async def post(self, path: str, step: str, body: Json) -> Json:
        return await self._send(path, step, lambda: JsonPayload(body))

    async def upload(self, name: str, content: bytes, step: str) -> Json:
        def form() -> aiohttp.FormData:
            fields = aiohttp.FormData()
            fields.add_field("file", content, filename=name)
            return fields

        return await self._send("/attachments", step, form)

    async def order(self, step: str, product: str, period: str) -> Json:
        items: JsonValue = [{"product": product, "period": period}]
        return await self.post("/orders", f"{step}-order", {"items": items})

    async def _send(self, path: str, step: str, content: Content) -> Json:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Idempotency-Key": f"demo-history-{step}",
        }
        return await _post(self._session, path, headers, content)


async def _log_in(session: aiohttp.ClientSession, login: Login) -> _Caller:
    body = {"email": login.email, "password": login.password}
    answer = await _post(session, "/sessions", {}, lambda: JsonPayload(body))
    return _Caller(session, str(answer["access_token"]))


async def _buy_and_pay(customer: _Caller, finance: _Caller) -> None:
    """A year of hosting, paid by transfer, proved by a ticket, confirmed by finance."""
    order = await customer.order("hosting", "hosting-business", "annual")
    invoice_id = order["invoice_id"]
    payment = await customer.post(
        "/payments",
        "hosting-payment",
        {"invoice_ids": [invoice_id], "method": "bank_transfer"},
    )
    proof = await customer.upload(PROOF, (FOLDER / PROOF).read_bytes(), "hosting-proof")
    ticket = await customer.post(
        "/tickets",
        "hosting-ticket",
        {
            "department": "finance",
            "subject": "Comprovante da transferência",
            "message": "Olá! Segue o comprovante da transferência da primeira fatura.",
            "priority": "medium",
            "invoice_id": invoice_id,
            "attachment_ids": [proof["id"]],
        },
    )
    await finance.post(
        f"/staff/payments/{payment['id']}/confirmation",
        "hosting-confirmation",
        {
            "amount": payment["amount"],
            "bank_reference": BANK_REFERENCE,
            "ticket_id": ticket["id"],
        },
    )


async def _ask_and_answer(customer: _Caller, support: _Caller) -> None:
    ticket = await customer.post(
        "/tickets",
        "question",
        {
            "department": "support",
            "subject": "Como aponto o meu domínio para a hospedagem?",
            "message": "Comprei o domínio em outro lugar. Quais servidores de nomes"
            " devo informar lá?",
            "priority": "low",
        },
    )
    await support.post(
        f"/staff/tickets/{ticket['id']}/replies",
        "question-answer",
        {
            "message": "Olá, Ana! Informe ns1.horizonte.example e"
            " ns2.horizonte.example. A mudança leva até 24 horas."
        },
    )


async def _post(
    session: aiohttp.ClientSession,
    path: str,
    headers: Mapping[str, str],
    content: Content,
) -> Json:
    """Post, and again while the answer is to come back later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        async with session.post(API + path, headers=headers, data=content()) as answer:
            if answer.ok:
                return await answer.json()
            status, text = HTTPStatus(answer.status), await answer.text()
        if status not in COME_BACK or time.monotonic() > deadline:
            raise CannotStart(f"the demo's {path} was answered {status}: {text}")
        await asyncio.sleep(PAUSE_SECONDS)
