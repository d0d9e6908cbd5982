"""Passwords: forgotten ones, and new ones."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.http import Call, Routes, public, signed_in
from contracts.api.accounts import (
    ChangePassword,
    RequestPasswordReset,
    ResetPassword,
)
from contracts.links import RESET_PASSWORD, read_link_token
from services.accounts import workflows
from services.accounts.api.origins import origin_of, throttle_by_address
from services.accounts.commands import links
from services.accounts.commands import sessions as commands
from services.accounts.commands.limits import admit
from services.accounts.domain.customers import refuse
from services.accounts.domain.limits import (
    LINKS_TRIED_FROM_ADDRESS,
    RESETS_FROM_ADDRESS,
)
from services.accounts.domain.people import password_faults
from services.accounts.settings import SETTINGS

#: Longer than the work takes for an e-mail that is known, so that nobody can tell.
RESET_ANSWER_SECONDS = 0.25

routes = Routes(tag="passwords")


@routes.post("/password-resets", policy=public(), status=202)
async def request_password_reset(call: Call, body: RequestPasswordReset) -> None:
    """Have a link to reset the password mailed, if the e-mail is a user's.

    The answer is the same, after the same time, whether it is or not.
    """
    now = call.clock.now()
    throttle = throttle_by_address(call, RESETS_FROM_ADDRESS)
    async with call.transaction() as tx:
        await admit(tx, throttle, now=now)
    async with _answering_after(RESET_ANSWER_SECONDS), call.transaction() as tx:
        await links.request_password_reset(tx, body.email, now=now)
        return await call.complete(tx, None)


@routes.post("/password-resets/confirm", policy=public(), status=204)
async def reset_password(call: Call, body: ResetPassword) -> None:
    """Set a new password with the token of the mailed link.

    The link serves once, for an hour. Every session of the user ends.
    """
    settings, now = call.resources[SETTINGS], call.clock.now()
    minimum = settings.minimum_password_length
    refuse(password_faults(body.password, minimum=minimum))
    throttle = throttle_by_address(call, LINKS_TRIED_FROM_ADDRESS)
    async with call.transaction() as tx:
        await admit(tx, throttle, now=now)
    request_id = read_link_token(settings.link_keys, RESET_PASSWORD, body.token)
    async with call.reading() as tx:
        await links.check_reset_link(tx, request_id, now=now)
    password_hash = await workflows.hash_password(call.resources, body.password)
    async with call.transaction() as tx:
        await links.reset_password(
            tx, request_id, password_hash=password_hash, now=call.clock.now()
        )
        return await call.complete(tx, None)


@routes.put("/me/password", policy=signed_in(), keyed=True)
async def change_password(call: Call, body: ChangePassword) -> None:
    """Change my password; every other session of mine ends."""
    minimum = call.resources[SETTINGS].minimum_password_length
    refuse(password_faults(body.password, minimum=minimum))
    proved = await workflows.confirm_password(
        call.resources, call.principal, body.current_password, origin_of(call).address
    )
    password_hash = await workflows.hash_password(call.resources, body.password)
    async with call.transaction() as tx:
        await commands.change_password(
            tx,
            call.principal,
            proved,
            password_hash=password_hash,
            now=call.clock.now(),
        )
        return await call.complete(tx, None)


@asynccontextmanager
async def _answering_after(seconds: float) -> AsyncGenerator[None]:
    """Make the block take this long, so that its time tells nothing."""
    until = asyncio.get_running_loop().time() + seconds
    try:
        yield
    finally:
        await asyncio.sleep(until - asyncio.get_running_loop().time())
