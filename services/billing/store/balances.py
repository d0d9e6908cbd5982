"""Kept balances of customers' accounts: the lock that orders their history."""

from collections.abc import Sequence
from uuid import UUID

from chassis.db import Record, Transaction
from chassis.money import Money
from services.billing.domain.ledger import (
    Account,
    Balances,
    company_accounts,
    credit_account,
    receivable_account,
)

#: A customer's money in one currency.
Purse = tuple[UUID, str]


async def lock_balances(tx: Transaction, customer_id: UUID, currency: str) -> Balances:
    """Lock what the customer owes and has; both begin at zero."""
    locked = await lock_many(tx, [(customer_id, currency)])
    return locked[(customer_id, currency)]


async def lock_many(tx: Transaction, purses: Sequence[Purse]) -> dict[Purse, Balances]:
    """Lock the balances of many customers, in the order of their accounts' ids."""
    accounts = {
        account.id: account for purse in purses for account in _accounts(*purse)
    }
    rows = await _lock(tx, list(accounts))
    if len(rows) < len(accounts):
        await _open_accounts(tx, list(accounts.values()))
        rows = await _lock(tx, list(accounts))
    kept = {row["account_id"]: row for row in rows}
    return {purse: _balances(*purse, kept) for purse in purses}


async def get_credit(tx: Transaction, customer_id: UUID, currency: str) -> Money:
    """Return the customer's credit; it stands still while the customer is locked."""
    minor: int | None = await tx.fetchval(
        "SELECT balance_minor FROM balances WHERE account_id = $1",
        credit_account(customer_id, currency).id,
    )
    return Money(minor or 0, currency)


async def list_credit(tx: Transaction, customer_id: UUID) -> list[Money]:
    """Return the customer's credit in each currency they ever had some in."""
    rows = await tx.fetch(
        """
        SELECT currency, balance_minor FROM balances
        WHERE customer_id = $1 AND kind = 'customer_credit' AND version > 0
        ORDER BY currency
        """,
        customer_id,
    )
    return [Money(row["balance_minor"], row["currency"]) for row in rows]


async def _lock(tx: Transaction, account_ids: list[UUID]) -> list[Record]:
    return await tx.fetch(
        """
        SELECT account_id, balance_minor, version FROM balances
        WHERE account_id = ANY($1) ORDER BY account_id FOR UPDATE
        """,
        account_ids,
    )


async def _open_accounts(tx: Transaction, accounts: Sequence[Account]) -> None:
    """Open customers' accounts, and the company's beside them in the same currency."""
    currencies = sorted({account.currency for account in accounts})
    company = [a for currency in currencies for a in company_accounts(currency)]
    ordered = sorted((*company, *accounts), key=lambda account: account.id)
    await tx.execute(
        """
        INSERT INTO ledger_accounts (id, kind, customer_id, currency)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[])
        ON CONFLICT DO NOTHING
        """,
        [account.id for account in ordered],
        [account.kind for account in ordered],
        [account.customer_id for account in ordered],
        [account.currency for account in ordered],
    )
    await tx.execute(
        """
        INSERT INTO balances (account_id, customer_id, kind, currency)
        SELECT id, customer_id, kind, currency FROM ledger_accounts
        WHERE id = ANY($1) ORDER BY id
        ON CONFLICT DO NOTHING
        """,
        [account.id for account in accounts],
    )


def _accounts(customer_id: UUID, currency: str) -> tuple[Account, Account]:
    return (
        receivable_account(customer_id, currency),
        credit_account(customer_id, currency),
    )


def _balances(customer_id: UUID, currency: str, kept: dict[UUID, Record]) -> Balances:
    receivable, credit = (kept[a.id] for a in _accounts(customer_id, currency))
    return Balances(
        customer_id=customer_id,
        receivable=Money(receivable["balance_minor"], currency),
        credit=Money(credit["balance_minor"], currency),
        receivable_version=receivable["version"],
        credit_version=credit["version"],
    )
