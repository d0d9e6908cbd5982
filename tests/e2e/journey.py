"""The slice, step by step, as people do it: the words of the other tests here."""

from dataclasses import dataclass, field
from decimal import Decimal

from tests.e2e.client import PROOF, Api, Json, Mailbox, link_token, new_email, until

PASSWORD = "correct horse battery staple"


@dataclass
class Customer:
    """A customer who is logged in."""

    api: Api
    email: str
    facts: Json = field(default_factory=dict[str, object])


async def register(api: Api, **details: object) -> Customer:
    """Become a customer, and log in."""
    email = new_email()
    body = {
        "email": email,
        "password": PASSWORD,
        "name": "Ana Souza",
        "country": "BR",
        "currency": "BRL",
        "language": "en",
        **details,
    }
    facts = await api.post("/customers", body)
    return Customer(await api.log_in(email, PASSWORD), email, facts)


async def verify(api: Api, mailbox: Mailbox, customer: Customer) -> None:
    """Follow the link in the mail that proves the address."""
    mail = await mailbox.wait_for(customer.email, "confirm|verif")
    await api.post("/email-verifications", {"token": link_token(mail)})


async def cheapest_monthly(api: Api, currency: str = "BRL") -> Json:
    """Return the product with the lowest monthly price, and that price."""
    products = (await api.get(f"/products?currency={currency}"))["items"]
    offers = [
        {"slug": product["slug"], "amount": price["amount"]["amount"]}
        for product in products
        for price in product["prices"]
        if price["period"] == "monthly" and price["amount"]["currency"] == currency
    ]
    return min(offers, key=lambda offer: Decimal(offer["amount"]))


async def order(customer: Customer, **options: object) -> Json:
    """Order the cheapest monthly product."""
    product = await cheapest_monthly(customer.api)
    items = [{"product": product["slug"], "period": "monthly"}]
    return await customer.api.post("/orders", {"items": items, **options})


async def open_invoice(customer: Customer, invoice_id: str) -> Json:
    """Return the invoice once it is issued."""

    async def issued() -> Json | None:
        invoice = await customer.api.get(f"/invoices/{invoice_id}")
        return invoice if invoice["status"] != "draft" else None

    return await until(issued, what=f"invoice {invoice_id} is issued")


async def choose_transfer(customer: Customer, *invoice_ids: str) -> Json:
    """Choose to pay by bank transfer."""
    body = {"invoice_ids": list(invoice_ids), "method": "bank_transfer"}
    return await customer.api.post("/payments", body)


async def send_proof(customer: Customer, invoice_id: str) -> Json:
    """Open a ticket to finance about the invoice, with a picture as proof."""
    proof = await customer.api.upload("receipt.png", PROOF, "image/png")
    body = {
        "department": "finance",
        "subject": "Proof of my transfer",
        "message": "Please find the receipt attached.",
        "priority": "high",
        "invoice_id": invoice_id,
        "attachment_ids": [proof["id"]],
    }
    return await customer.api.post("/tickets", body)


async def confirm(
    finance: Api, payment: Json, amount: str, reference: str, **options: object
) -> Json:
    """Say, as finance, that this amount has arrived."""
    currency = payment["amount"]["currency"]
    body = {
        "amount": {"amount": amount, "currency": currency},
        "bank_reference": reference,
        **options,
    }
    return await finance.post(f"/staff/payments/{payment['id']}/confirmation", body)


async def buy(customer: Customer, finance: Api, reference: str) -> Json:
    """Order and pay in full by transfer; return the active service."""
    placed = await order(customer)
    invoice = await open_invoice(customer, placed["invoice_id"])
    payment = await choose_transfer(customer, invoice["id"])
    await confirm(finance, payment, invoice["remaining"]["amount"], reference)
    return await customer.api.get(f"/services/{placed['service_ids'][0]}")
