"""The proof finds what is wrong: each claim is shown to be able to fail."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from chassis.checks import Check
from chassis.db import Transaction
from services.billing.checks import CHECKS
from services.billing.checks.chain import CHAIN
from services.billing.commands.ledger import seal_entries
from services.billing.domain.seals import least_id
from tests.integration.billing_money.stage import Stage

#: For each claim, what to do to rows behind the product's back.
TAMPERING: dict[str, str] = {
    "every entry has two postings or more and sums to zero": """
        UPDATE postings SET amount_minor = amount_minor + 1
        WHERE seq = (SELECT max(seq) FROM postings)""",
    "postings are in their account's currency and to their customer's accounts": """
        UPDATE postings SET currency = 'USD'
        WHERE entry_id = (SELECT max(id::text)::uuid FROM journal_entries)""",
    "kept balances equal the sum of their postings": """
        UPDATE balances SET balance_minor = balance_minor + 1
        WHERE kind = 'customer_credit'""",
    "credit was never below zero": """
        UPDATE postings SET amount_minor = -amount_minor""",
    "money received equals what it paid and the credit it made": """
        UPDATE allocations SET amount_minor = amount_minor - 1
        WHERE source = 'payment'""",
    "entries moved what customers owe by what was allocated or freed": """
        UPDATE allocations SET amount_minor = amount_minor - 1
        WHERE source = 'credit'""",
    "a payment has succeeded if and only if its money is posted, once": """
        UPDATE payments SET status = 'cancelled' WHERE status = 'succeeded'""",
    "unresolved payments, and only those, hold their invoices": """
        UPDATE payment_shares SET live = true""",
    "every effect has its cause, and had it once": """
        UPDATE journal_entries SET cause_id = ''
        WHERE id = (SELECT max(id::text)::uuid FROM journal_entries)""",
    "no role can change or delete what is in the ledger": """
        ALTER TABLE postings DISABLE TRIGGER postings_append_only""",
    "the journal is what was sealed in its hash chain": """
        UPDATE journal_entries SET booked_on = booked_on + 1""",
    "an invoice is paid if and only if allocations make up its total": """
        UPDATE invoices SET allocated_minor = 0, status = 'open'
        WHERE status = 'paid'""",
    "an invoice's total is the sum of its lines and tax": """
        UPDATE invoice_lines SET subtotal_minor = subtotal_minor + 1,
                                 total_minor = total_minor + 1""",
    "an invoice asks for what was posted at its issue": """
        UPDATE invoices SET subtotal_minor = subtotal_minor + 1,
                            total_minor = total_minor + 1 WHERE status = 'open'""",
    "an issued invoice is void if and only if its issue is reversed": """
        UPDATE invoices SET status = 'open' WHERE status = 'void'""",
    "customers owe what remains of their open invoices": """
        UPDATE invoices SET allocated_minor = 1 WHERE status = 'open'""",
    "each period of a service is on one line that stands, without overlap or gap": """
        DELETE FROM service_periods""",
    "a service is paid until the end of its last paid period": """
        UPDATE services SET paid_until = paid_until + 1""",
    "invoice numbers run without gaps in each year": """
        UPDATE number_series SET last_number = last_number + 1""",
}


async def a_little_of_everything(stage: Stage) -> None:
    """Issue, pay, overpay, top up, apply, free and void; leave some of it open."""
    ana = await stage.customer()
    await stage.settle(ana, await ana.order("large"), amount="130.00")
    await stage.give_credit(ana, "50.00")
    partly = await ana.order("large")
    await ana.use_credit(partly, "20.00")
    await ana.delete(f"/invoices/{partly['id']}/credit")
    await ana.use_credit(partly, "20.00")
    await ana.pay(partly)
    await stage.void(await ana.order("small"))


async def seal(stage: Stage, limit: int = 100) -> int:
    async with stage.db.transaction() as tx:
        return await seal_entries(tx, limit)


async def test_the_audit_agrees_and_counts_what_it_saw(stage: Stage) -> None:
    await a_little_of_everything(stage)
    await seal(stage)
    audit = (await stage.finance().get("/staff/ledger/audit")).body
    assert audit["agrees"] is True
    assert [check["name"] for check in audit["checks"]] == list(TAMPERING)
    assert all(check["violations"] == [] for check in audit["checks"])
    assert all(check["checked"] > 0 for check in audit["checks"])


async def test_each_claim_finds_what_contradicts_it(stage: Stage) -> None:
    await a_little_of_everything(stage)
    await seal(stage)
    for check in CHECKS:
        assert await _violations(stage, check, TAMPERING[check.name]), check.name


async def test_changing_any_sealed_column_breaks_the_chain(stage: Stage) -> None:
    await a_little_of_everything(stage)
    await seal(stage)
    for change in (
        "UPDATE journal_entries SET kind = 'payment' WHERE kind = 'issue'",
        "UPDATE journal_entries SET customer_id = gen_random_uuid()",
        "UPDATE journal_entries SET invoice_id = NULL WHERE invoice_id IS NOT NULL",
        "UPDATE journal_entries SET payment_id = NULL WHERE payment_id IS NOT NULL",
        "UPDATE journal_entries SET reverses_id = NULL WHERE reverses_id IS NOT NULL",
        "UPDATE journal_entries SET credit_reason = NULL WHERE kind = 'payment'",
        "UPDATE journal_entries SET posted_at = posted_at + interval '1 microsecond'",
        "UPDATE journal_entries SET cause_id = cause_id || 'x'",
        "UPDATE postings SET amount_minor = amount_minor * 2",
        "UPDATE postings SET currency = 'USD'",
        "DELETE FROM postings",
        "DELETE FROM journal_entries WHERE kind = 'payment'",
        "DELETE FROM journal_seals WHERE position = 2",
        "UPDATE journal_seals SET hash = sha256(hash) WHERE position = 1",
    ):
        assert await _violations(stage, CHAIN, change), change


async def test_each_violation_names_what_it_is_about_and_lists_end(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    for _ in range(25):
        await ana.order("small")
    [check] = [check for check in CHECKS if check.name.startswith("an invoice's total")]
    found = await _violations(stage, check, TAMPERING[check.name])
    assert len(found) == 20
    assert found[0].startswith("invoice 2026-0000") or "invoice" in found[0]


async def test_an_entry_that_is_never_sealed_is_found(stage: Stage) -> None:
    await a_little_of_everything(stage)
    hour_ago = least_id(datetime.now(UTC) - timedelta(hours=1))
    async with stage.superuser() as connection:
        undo = connection.transaction()
        await undo.start()
        await connection.execute(
            "UPDATE journal_entries SET id = $1 WHERE kind = 'void'", hour_ago
        )
        found = await CHAIN.run(Transaction(connection, "billing"))
        await undo.rollback()
    assert found.violations == [f"entry {hour_ago} was never sealed"]


async def test_entries_are_sealed_once_by_however_many_sealers(stage: Stage) -> None:
    await a_little_of_everything(stage)
    sealed = await asyncio.gather(*(seal(stage, 3) for _ in range(8)))
    await a_little_of_everything(stage)
    sealed.append(await seal(stage))
    async with stage.db.reading() as tx:
        entries = await tx.fetchval("SELECT count(*) FROM journal_entries")
    assert sum(sealed) == entries
    assert await seal(stage) == 0


async def test_no_role_changes_or_deletes_the_ledger(stage: Stage) -> None:
    await a_little_of_everything(stage)
    await seal(stage)
    refused = (asyncpg.RestrictViolationError, asyncpg.InsufficientPrivilegeError)
    for url in (stage.database.url, stage.database.owner_url):
        connection = await asyncpg.connect(
            url, server_settings={"search_path": "billing, public"}
        )
        for change in (
            "UPDATE journal_entries SET kind = kind",
            "UPDATE postings SET currency = currency",
            "UPDATE journal_seals SET hash = hash",
            "DELETE FROM journal_entries",
            "DELETE FROM postings",
            "DELETE FROM journal_seals",
            "TRUNCATE journal_entries CASCADE",
            "TRUNCATE postings",
            "TRUNCATE journal_seals",
        ):
            with pytest.raises(refused):
                await connection.execute(change)
        await connection.close()


async def test_an_entry_that_does_not_balance_is_refused_by_the_database(
    stage: Stage,
) -> None:
    await a_little_of_everything(stage)
    async with stage.db.transaction() as tx:
        with pytest.raises(asyncpg.CheckViolationError):
            async with tx.savepoint():
                await tx.execute(
                    """
                    INSERT INTO postings (entry_id, account_id, currency, amount_minor)
                    SELECT entry_id, account_id, currency, 1 FROM postings LIMIT 1
                    """
                )


async def _violations(stage: Stage, check: Check, change: str) -> list[str]:
    """Return what a check finds after a change, which is undone."""
    async with stage.superuser() as connection:
        undo = connection.transaction()
        await undo.start()
        await connection.execute(change)
        result = await check.run(Transaction(connection, "billing"))
        await undo.rollback()
    return result.violations
