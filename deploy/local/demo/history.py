"""What happened before you came: the demo customers' first month, by the public API.

Each step carries an idempotency key, so that a history cut short goes on where it was.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import aiohttp
from pydantic import JsonValue

from deploy.local.demo.caller import Caller, Json
from deploy.local.demo.company import FOLDER, Login

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30)
PROOF = "proof.pdf"
#: In how many days Ana's server is to be renewed, or a few less at the end of a month.
RENEWED_IN_DAYS = 6
#: By then every process goes by a clock that was moved; later, a ticket is dated wrong.
FOLLOWED_SECONDS = 0.75
CREDIT: JsonValue = {"amount": "30.00", "currency": "BRL"}


async def make_history(gateway_url: str, logins: Sequence[Login]) -> None:
    """Let customers order, pay and ask, and staff confirm and answer."""
    async with aiohttp.ClientSession(gateway_url, timeout=REQUEST_TIMEOUT) as session:
        callers = await asyncio.gather(
            *(Caller.log_in(session, login) for login in logins)
        )
        known = list(zip(logins, callers, strict=True))
        staff = {login.role: caller for login, caller in known}
        ana, sam = [each for login, each in known if login.role == "customer"]
        await _begin_a_month_ago(ana, staff["finance"], staff["admin"])
        await asyncio.gather(
            _go_on(ana, staff["finance"], staff["support"]), _await_confirmation(sam)
        )


async def _begin_a_month_ago(ana: Caller, finance: Caller, admin: Caller) -> None:
    """A server and some credit; today the server's renewal is there to be paid."""
    now = datetime.now(UTC)
    begun_on = _a_month_before(now.date() + timedelta(days=RENEWED_IN_DAYS))
    await _set_clock(admin, now - (now.date() - begun_on))
    order = await _order(
        ana, "server", "vps-2", "monthly", "loja.padaria-aurora.example"
    )
    await _pay(ana, finance, "server", order["invoice_id"], "4C19.88A0.51B7.0E2D")
    credit = await ana.post("/credit/top-ups", "credit", {"amount": CREDIT})
    await _pay(ana, finance, "credit", credit["id"], "9B02.7DD3.1F64.A8C1")
    today = await _set_clock(admin, datetime.now(UTC))
    # Renewals are billing's own: meanwhile the others hear how late it is.
    await asyncio.gather(
        finance.post("/staff/billing-runs", "renewals", {"on": today}),
        asyncio.sleep(FOLLOWED_SECONDS),
    )


async def _go_on(ana: Caller, finance: Caller, support: Caller) -> None:
    """A year of hosting, proved by a ticket; a bill that is open; two questions."""
    order = await _order(
        ana, "hosting", "hosting-business", "annual", "padaria-aurora.example"
    )
    await _pay(
        ana,
        finance,
        "hosting",
        order["invoice_id"],
        "7F3A.91C2.0D48.E6B5",
        proof=(
            "Comprovante da transferência",
            "Olá! Segue o comprovante da transferência da primeira fatura.",
        ),
    )
    await _order(ana, "mail", "email-team", "monthly", "padaria-aurora.example")
    await _ask_and_answer(ana, support)
    await _ask(
        ana,
        "backup",
        department="support",
        subject="Restaurar o backup de ontem em padaria-aurora.example",
        message="Apaguei sem querer a pasta **cardapio** do site. Vocês conseguem"
        " restaurar só essa pasta do backup da noite passada?",
        priority="high",
        service_ids=order["service_ids"],
    )


async def _await_confirmation(sam: Caller) -> None:
    """A server whose transfer is on its way: finance has the proof, not the money."""
    order = await _order(sam, "sam", "vps-2", "monthly", "northwind.example")
    await _start_payment(sam, "sam", order["invoice_id"])
    await _send_proof(
        sam,
        "sam",
        order["invoice_id"],
        "Receipt of my transfer",
        "Hi! I have just made the transfer; the receipt is attached.",
    )


async def _set_clock(admin: Caller, instant: datetime) -> JsonValue:
    """Move the sandbox's clock; return the date it has then."""
    moved = await admin.put("/staff/clock", {"now": instant.isoformat()})
    return moved["today"]


async def _order(
    customer: Caller, step: str, product: str, period: str, label: str
) -> Json:
    item: JsonValue = {"product": product, "period": period, "label": label}
    return await customer.post("/orders", f"{step}-order", {"items": [item]})


async def _pay(
    customer: Caller,
    finance: Caller,
    step: str,
    invoice_id: JsonValue,
    bank_reference: str,
    *,
    proof: tuple[str, str] | None = None,
) -> None:
    """Pay by transfer, perhaps with a ticket that proves it; finance confirms it."""
    payment = await _start_payment(customer, step, invoice_id)
    seen: Json = {"amount": payment["amount"], "bank_reference": bank_reference}
    if proof:
        ticket = await _send_proof(customer, step, invoice_id, *proof)
        seen["ticket_id"] = ticket["id"]
    path = f"/staff/payments/{payment['id']}/confirmation"
    await finance.post(path, f"{step}-confirmation", seen)


async def _start_payment(customer: Caller, step: str, invoice_id: JsonValue) -> Json:
    body: Json = {"invoice_ids": [invoice_id], "method": "bank_transfer"}
    return await customer.post("/payments", f"{step}-payment", body)


async def _send_proof(
    customer: Caller, step: str, invoice_id: JsonValue, subject: str, message: str
) -> Json:
    content = await asyncio.to_thread((FOLDER / PROOF).read_bytes)
    return await _ask(
        customer,
        step,
        department="finance",
        subject=subject,
        message=message,
        priority="medium",
        invoice_id=invoice_id,
        attachment_ids=[await customer.upload(PROOF, content, f"{step}-proof")],
    )


async def _ask(customer: Caller, step: str, **ticket: JsonValue) -> Json:
    return await customer.post("/tickets", f"{step}-ticket", ticket)


async def _ask_and_answer(customer: Caller, support: Caller) -> None:
    ticket = await _ask(
        customer,
        "question",
        department="support",
        subject="Como aponto o meu domínio para a hospedagem?",
        message="Comprei o domínio em outro lugar. Quais servidores de nomes devo"
        " informar lá?",
        priority="low",
    )
    await support.post(
        f"/staff/tickets/{ticket['id']}/replies",
        "question-answer",
        {
            "message": "Olá, Ana! Informe **ns1.horizonte.example** e"
            " **ns2.horizonte.example**. A mudança leva até 24 horas."
        },
    )


def _a_month_before(day: date) -> date:
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=min(day.day, last.day))
