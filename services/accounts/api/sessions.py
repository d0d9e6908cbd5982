"""Sessions: sign in, stay signed in, see where one is, sign out."""

from uuid import UUID

from chassis.http import Call, Page, PageQuery, Routes, decode_cursor, public, signed_in
from contracts.api.accounts import (
    LogIn,
    RefreshSession,
    SessionTokensView,
    SessionView,
)
from services.accounts import workflows
from services.accounts.api.origins import origin_of
from services.accounts.api.views import view_session
from services.accounts.commands import sessions as commands
from services.accounts.store import people as people_store
from services.accounts.store import sessions as store

routes = Routes(tag="sessions")


@routes.post("/sessions", policy=public(), status=201, keeps_answer=False)
async def log_in(call: Call, body: LogIn) -> SessionTokensView:
    """Sign in with e-mail and password.

    Ten failures on an account, or thirty from an address, within 15 minutes answer 429
    until the oldest is 15 minutes old.
    """
    return await workflows.log_in(
        call.resources, body.email, body.password, origin_of(call)
    )


@routes.post("/sessions/refresh", policy=public(), keeps_answer=False)
async def refresh_session(call: Call, body: RefreshSession) -> SessionTokensView:
    """Get a new access token and the next refresh token.

    A refresh token serves once: a repeat within ten seconds gets the same answer's
    refresh token again, a later one ends the session.
    """
    return await workflows.refresh(call.resources, body.refresh_token, origin_of(call))


@routes.get("/sessions", policy=signed_in())
async def list_sessions(call: Call, query: PageQuery) -> Page[SessionView]:
    """List where I am signed in, newest first."""
    cursor = decode_cursor(query.cursor, UUID)
    now, principal = call.clock.now(), call.principal
    async with call.reading() as tx:
        await people_store.get_caller(tx, principal, now=now)
        sessions = await store.list_live_sessions(
            tx,
            principal,
            before=cursor[0] if cursor else None,
            limit=query.limit + 1,
            now=now,
        )
        total = await query.total(
            sessions, lambda: store.count_live_sessions(tx, principal, now=now)
        )
    views = [
        view_session(session, current=session.id == principal.session_id)
        for session in sessions
    ]
    return Page[SessionView].of(
        views, limit=query.limit, cursor=lambda view: (view.id,), total=total
    )


@routes.delete("/sessions/current", policy=signed_in())
async def log_out(call: Call) -> None:
    """Sign out: end the session of this request."""
    principal = call.principal
    async with call.transaction() as tx:
        await commands.end_session(
            tx, principal, principal.session_id, now=call.clock.now()
        )


@routes.delete("/sessions/{session_id}", policy=signed_in())
async def end_session(call: Call, session_id: UUID) -> None:
    """End one of my sessions, on whatever device."""
    async with call.transaction() as tx:
        await commands.end_session(tx, call.principal, session_id, now=call.clock.now())
