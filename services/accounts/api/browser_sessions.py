"""Browsers' sessions, for the gateway alone: it passes no path of `/internal` on."""

from chassis.http import Call, Routes, public
from contracts.api.accounts import (
    BrowserSessionInUseView,
    BrowserSessionView,
    LogIn,
    UseBrowserSession,
)
from services.accounts import workflows
from services.accounts.api.origins import origin_of
from services.accounts.api.views import view_me
from services.accounts.commands import sessions as commands
from services.accounts.domain.sessions import SessionKind
from services.accounts.settings import SETTINGS
from services.accounts.workflows import TOKENS

routes = Routes(tag="browser sessions", prefix="/internal")


@routes.post("/browser-sessions", policy=public(), status=201, keeps_answer=False)
async def log_in_browser(call: Call, body: LogIn) -> BrowserSessionView:
    """Sign in with e-mail and password, limited as `POST /sessions` is.

    A repeat with the same idempotency key within a minute gets the same session.
    """
    return await workflows.log_in_browser(
        call.resources,
        body.email,
        body.password,
        origin_of(call),
        key=call.idempotency_key,
    )


@routes.post("/browser-sessions/exchange", policy=public(), keeps_answer=False)
async def use_browser_session(
    call: Call, body: UseBrowserSession
) -> BrowserSessionInUseView:
    """Get an access token for a browser's session, and who it belongs to."""
    tokens, now = call.resources[TOKENS], call.clock.now()
    async with call.transaction() as tx:
        in_use = await commands.use_browser_session(
            tx,
            body.session_token,
            origin_of(call),
            lifetime=call.resources[SETTINGS].lifetimes[SessionKind.BROWSER],
            is_use=body.is_use,
            now=now,
        )
    return BrowserSessionInUseView(
        session_id=in_use.session.id,
        expires_at=in_use.session.expires_at,
        access_token=tokens.sign(in_use.principal, now=now),
        expires_in=tokens.lifetime_seconds,
        me=view_me(in_use.user, in_use.customer),
    )
