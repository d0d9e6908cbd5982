"""Registration: how a visitor becomes a customer, and proves an e-mail."""

from chassis.http import Call, Routes, public, signed_in
from contracts.api.accounts import CustomerView, RegisterCustomer, VerifyEmail
from contracts.links import VERIFY_EMAIL, read_link_token
from services.accounts import workflows
from services.accounts.api.origins import throttle_by_address
from services.accounts.api.views import view_customer
from services.accounts.commands import customers as commands
from services.accounts.commands import links
from services.accounts.commands.limits import admit
from services.accounts.domain.limits import (
    LINKS_TRIED_FROM_ADDRESS,
    REGISTRATIONS_FROM_ADDRESS,
)
from services.accounts.settings import SETTINGS
from services.accounts.store.customers import StoredCustomer

routes = Routes(tag="customers")


@routes.post("/customers", policy=public(), status=201)
async def register_customer(call: Call, body: RegisterCustomer) -> CustomerView:
    """Register as a customer.

    A link to verify the e-mail is mailed; signing in doesn't wait for that. An e-mail
    that is in use already answers 409. At most sixty an hour from an address.
    """
    registration = commands.read_registration(body, call.resources[SETTINGS].rules)
    throttle = throttle_by_address(call, REGISTRATIONS_FROM_ADDRESS)
    now = call.clock.now()
    async with call.transaction() as tx:
        await admit(tx, throttle, now=now)
    password_hash = await workflows.hash_password(call.resources, body.password)
    async with call.transaction() as tx:
        customer, user = await commands.register_customer(
            tx, registration, password_hash=password_hash, now=now
        )
        view = view_customer(StoredCustomer(customer, now), [user])
        return await call.complete(tx, view)


@routes.post("/email-verifications", policy=public(), status=204)
async def verify_email(call: Call, body: VerifyEmail) -> None:
    """Verify an e-mail with the token of the mailed link."""
    keys = call.resources[SETTINGS].link_keys
    throttle = throttle_by_address(call, LINKS_TRIED_FROM_ADDRESS)
    async with call.transaction() as tx:
        await admit(tx, throttle, now=call.clock.now())
    async with call.transaction() as tx:
        request_id = read_link_token(keys, VERIFY_EMAIL, body.token)
        await links.verify_email(tx, request_id, now=call.clock.now())
        return await call.complete(tx, None)


@routes.post("/email-verifications/requests", policy=signed_in(), status=202)
async def request_email_verification(call: Call) -> None:
    """Have the verification link mailed again, at most five times an hour."""
    async with call.transaction() as tx:
        await links.request_verification(tx, call.principal, now=call.clock.now())
        return await call.complete(tx, None)
