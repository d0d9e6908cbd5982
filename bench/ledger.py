"""P4: finance confirms a payment, its invoice is paid, its service begins; vs. pgbench.

pgbench does the very statements that the product sends. Some confirmations are recorded
and rolled back; pgbench then does them for good, with the arguments that they had. It
reads those from a table, and the time that this takes is not counted against it.
"""

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

import asyncpg

from bench.pgbench import Recorder, Replay, Statement
from bench.report import Figure
from bench.servers import started_servers
from chassis.context import Cause, because_of
from chassis.db import Database, Transaction, open_database
from chassis.ids import uuid7
from chassis.money import Money
from services.billing.checks import CHECKS
from services.billing.commands.orders import Cart, place_order
from services.billing.commands.payments import Choice, confirm_payment, start_payment
from services.billing.domain.catalogue import Price, Product, Wanted
from services.billing.domain.customers import Customer
from services.billing.domain.invoices import Party
from services.billing.domain.payments import Confirmation, Payment, PaymentTerms
from services.billing.domain.periods import Period
from services.billing.domain.terms import Terms
from services.billing.store.customers import save_customer
from services.billing.store.products import save_prices, save_product
from tests.support.databases import ServiceDatabase, fresh_database

CLIENTS = 16
#: Orders wait for each other, as invoices' numbers have no gaps.
ORDERING_CLIENTS = 4
EACH = 100
ROUNDS = 3
LEAST_RATIO = 0.50

NOW = datetime.now(UTC)
TODAY = NOW.date()
TERMS = Terms(seller=Party("Hosting Ltd"))
PAYMENT_TERMS = PaymentTerms({"BRL": "Bank 1, account 2"})
PRICE = Price(Period.MONTHLY, Money(4990, "BRL"), Money.zero("BRL"))
CART = (Wanted(product="hosting", period=Period.MONTHLY),)


async def measure() -> list[Figure]:
    async with (
        started_servers() as servers,
        fresh_database(servers, "billing", "services.billing") as database,
        open_database(database.url, schema="billing", pool_size=CLIENTS) as db,
    ):
        await _sell(db)
        rounds = [await _round(database, db) for _ in range(ROUNDS)]
        await _check(db)
    ours, limit = sorted(rounds, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
    return [
        Figure(
            row="P4",
            what=f"payments confirmed, invoice to active service, {CLIENTS} clients",
            value=ours,
            unit="/s",
            limit=limit,
            target=f"≥ {LEAST_RATIO:.2f}",
            holds=ours / limit >= LEAST_RATIO,
        )
    ]


async def _round(database: ServiceDatabase, db: Database) -> tuple[float, float]:
    """Let the product and pgbench do as much, one after the other."""
    count = CLIENTS * EACH
    payments = await _start_payments(db, 2 * count + 1)
    # The first asks the server about types, which is not to be repeated.
    await _record(db, payments.pop())
    recordings = [await _record(db, payment) for payment in payments[count:]]
    replay = Replay.of(recordings)
    await replay.load(database)
    ours = await _our_rate(db, payments[:count])
    return ours, await replay.rate(database, clients=CLIENTS, each=EACH)


async def _our_rate(db: Database, payments: Sequence[Payment]) -> float:
    waiting = iter(payments)
    gc.collect()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(_confirm_all(db, waiting))
    return len(payments) / (time.perf_counter() - began)


async def _confirm_all(db: Database, waiting: Iterator[Payment]) -> None:
    for payment in waiting:
        async with db.transaction() as tx:
            await _confirm(tx, payment)


async def _confirm(tx: Transaction, payment: Payment) -> None:
    cause_id = str(uuid7())
    seen = Confirmation(
        received=payment.amount,
        bank_account="main",
        bank_reference=payment.reference,
        confirmed_by=uuid7(),
    )
    with because_of(Cause(cause_id, cause_id, "staff:bench")):
        await confirm_payment(tx, payment.id, seen, on=TODAY, now=NOW)


async def _record(db: Database, payment: Payment) -> list[Statement]:
    """Return the statements that confirm a payment; nothing of it stays."""
    async with db.pool.acquire() as proxy, _undone(proxy) as connection:
        recorder = Recorder(connection)
        # A recorder has all that a transaction asks of a connection.
        as_connection = cast("asyncpg.Connection", recorder)
        await _confirm(Transaction(as_connection, "billing"), payment)
    return recorder.statements


@asynccontextmanager
async def _undone(proxy: object) -> AsyncGenerator[asyncpg.Connection]:
    connection = cast("asyncpg.Connection", proxy)
    block = connection.transaction()
    await block.start()
    yield connection
    await block.rollback()


async def _sell(db: Database) -> None:
    product = Product(
        id=uuid7(), slug="hosting", name="Hosting", group="", description="", position=0
    )
    async with db.transaction() as tx:
        await save_prices(tx, await save_product(tx, product), [PRICE])


async def _start_payments(db: Database, count: int) -> list[Payment]:
    """Let as many customers order, and choose to pay by transfer."""
    numbers = iter(range(count))
    started: list[Payment] = []

    async def work() -> None:
        for _ in numbers:
            async with db.transaction() as tx:
                started.append(await _start_payment(tx))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(ORDERING_CLIENTS):
            tasks.create_task(work())
    return started


async def _start_payment(tx: Transaction) -> Payment:
    customer = Customer(
        id=uuid7(), version=1, name="Ana Souza", country="BR", currency="BRL"
    )
    cart = Cart(customer_id=customer.id, currency="BRL", language="en", items=CART)
    await save_customer(tx, customer, None)
    order = await place_order(tx, cart, terms=TERMS, on=TODAY, now=NOW)
    if order.invoice_id is None:
        raise RuntimeError(f"order {order.number} has no invoice")
    choice = Choice(
        customer_id=customer.id,
        invoice_ids=[order.invoice_id],
        method="bank_transfer",
    )
    started = await start_payment(tx, choice, terms=PAYMENT_TERMS, on=TODAY, now=NOW)
    if started.payment is None:
        raise RuntimeError(f"order {order.number} asks for no payment")
    return started.payment


async def _check(db: Database) -> None:
    """See that every payment was booked, by us and by pgbench alike."""
    expected = {
        "succeeded": ROUNDS * 2 * CLIENTS * EACH,
        "awaiting_confirmation": ROUNDS,
    }
    async with db.reading() as tx:
        rows = await tx.fetch("SELECT status, count(*) FROM payments GROUP BY status")
        if {row["status"]: row["count"] for row in rows} != expected:
            raise RuntimeError(f"expected {expected}, not {rows}")
        for check in CHECKS:
            if violations := (await check.run(tx)).violations:
                raise RuntimeError(f"it isn't so that {check.name}: {violations}")
