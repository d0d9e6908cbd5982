"""Me: who is signed in, their contact information, and what was done to it."""

from datetime import datetime
from uuid import UUID

from chassis.db import Transaction
from chassis.http import (
    Call,
    Page,
    PageQuery,
    Routes,
    customer,
    decode_cursor,
    signed_in,
    staff,
)
from contracts.api.accounts import AuditEntryView, ChangeMe, MeView
from services.accounts import workflows
from services.accounts.api.origins import origin_of
from services.accounts.api.views import view_audit_entry, view_me
from services.accounts.commands import customers as commands
from services.accounts.settings import SETTINGS
from services.accounts.store import audit as audit_store
from services.accounts.store import people as store

routes = Routes(tag="me")


@routes.get("/me", policy=signed_in())
async def show_me(call: Call) -> MeView:
    """Show who is signed in, and the contact information."""
    async with call.reading() as tx:
        return await _view(call, tx)


@routes.patch("/me", policy=customer("account"))
async def change_me(call: Call, body: ChangeMe) -> MeView:
    """Change contact information.

    What isn't named stays as it is. A new e-mail needs `current_password`, starts
    unverified, and is mailed a link. While a customer has one person, the name and
    language are both the person's and the customer's.
    """
    proved = None
    if body.current_password is not None:
        proved = await workflows.confirm_password(
            call.resources,
            call.principal,
            body.current_password,
            origin_of(call).address,
        )
    async with call.transaction() as tx:
        await commands.change_contact_information(
            tx,
            call.principal,
            body,
            proved=proved,
            rules=call.resources[SETTINGS].rules,
            now=call.clock.now(),
        )
        return await _view(call, tx)


@routes.get("/me/audit", policy=customer("account") | staff())
async def list_my_audit(call: Call, query: PageQuery) -> Page[AuditEntryView]:
    """List what was done to my account: what, by whom, when, from where."""
    before = decode_cursor(query.cursor, datetime, UUID)
    principal = call.principal
    async with call.reading() as tx:
        await store.get_caller(tx, principal, now=call.clock.now())
        entries = await audit_store.list_audit_entries(
            tx, principal, before=before, limit=query.limit + 1
        )
        total = await query.total(
            entries, lambda: audit_store.count_audit_entries(tx, principal)
        )
    return Page[AuditEntryView].of(
        [view_audit_entry(entry, to_staff=principal.is_staff) for entry in entries],
        limit=query.limit,
        cursor=lambda view: (view.at, view.id),
        total=total,
    )


async def _view(call: Call, tx: Transaction) -> MeView:
    caller, customer = await store.get_caller_with_customer(
        tx, call.principal, now=call.clock.now()
    )
    return view_me(caller, customer)
