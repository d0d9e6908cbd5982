"""Whatever customers and finance do, in whatever order and at once: it all agrees."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.billing_money.stage import (
    Answer,
    Person,
    Stage,
    a_payment,
    money,
)

AMOUNTS = st.integers(min_value=1, max_value=30_000).map(
    lambda minor: str(Decimal(minor).scaleb(-2))
)


@dataclass
class Player:
    """One customer, what they have to pay with and for, and what the bank received."""

    person: Person
    stage: Stage
    invoices: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    payments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    received: Decimal = Decimal(0)

    async def order(self, product: str, *, use_credit: bool) -> None:
        self.invoices.append(await self.person.order(product, use_credit=use_credit))

    async def top_up(self, amount: str) -> None:
        answer = await self.person.post("/credit/top-ups", {"amount": money(amount)})
        assert answer.status in (201, 422)
        if answer.status == 201:
            self.invoices.append(answer.body)

    async def pay(self, first: int, count: int, *, use_credit: bool) -> None:
        chosen = self.invoices[first % max(len(self.invoices), 1) :][:count]
        if chosen:
            body = a_payment(*chosen, use_credit=use_credit)
            answer = await self.person.post("/payments", body)
            assert answer.status in (201, 409)
            if answer.status == 201:
                started = answer.body["payment"] if use_credit else answer.body
                self.payments += [started] if started else []

    async def confirm(self, which: int, amount: str | None) -> None:
        if self.payments:
            payment = self.payments[which % len(self.payments)]
            answer = await self.stage.confirm(payment, amount)
            assert answer.status in (201, 409)
            if answer.status == 201:
                self.received += Decimal(answer.body["received"]["amount"])

    async def apply(self, which: int, amount: str | None) -> None:
        await self._on_invoice(
            which, lambda invoice: self.person.use_credit(invoice, amount)
        )

    async def take_back(self, which: int) -> None:
        await self._on_invoice(
            which,
            lambda invoice: self.person.delete(f"/invoices/{invoice['id']}/credit"),
        )

    async def void(self, which: int) -> None:
        await self._on_invoice(which, self.stage.void)

    async def days_pass(self, days: int) -> None:
        await self.stage.run(self.stage.clock.today() + timedelta(days=days))

    async def _on_invoice(
        self, which: int, act: Callable[[dict[str, Any]], Awaitable[Answer]]
    ) -> None:
        if self.invoices:
            answer = await act(self.invoices[which % len(self.invoices)])
            assert answer.status in (200, 409, 422)

    async def accounted_for(self) -> Decimal:
        """Return what the customer has to show for the money: paid bills, credit."""
        listed = (await self.person.get("/invoices", limit="100")).body["items"]
        paid = (i["paid"]["amount"] for i in listed if i["kind"] == "service")
        return sum(map(Decimal, paid), Decimal(await self.person.credit()))

    async def paid_by_money(self) -> Decimal:
        """Return what payments say that they have paid of bills and top-ups."""
        listed = (await self.person.get("/payments", limit="100")).body["items"]
        shares = [share for payment in listed for share in payment["invoices"]]
        return sum((Decimal(s["paid"]["amount"]) for s in shares), Decimal(0))

    async def paid_without_credit(self) -> Decimal:
        """Return what invoices say that something else than credit has paid."""
        listed = (await self.person.get("/invoices", limit="100")).body["items"]
        return sum(
            (
                Decimal(i["paid"]["amount"]) - Decimal(i["credit_applied"]["amount"])
                for i in listed
            ),
            Decimal(0),
        )


#: What to do, by name, and with what.
Move = tuple[str, dict[str, Any]]


def move(name: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Move]:
    return st.tuples(st.just(name), st.fixed_dictionaries(arguments))


WHICH = st.integers(min_value=0, max_value=9)
MAYBE = st.none() | AMOUNTS
MOVES: st.SearchStrategy[Move] = st.one_of(
    move(
        "order", product=st.sampled_from(["small", "large"]), use_credit=st.booleans()
    ),
    move("top_up", amount=AMOUNTS),
    move(
        "pay",
        first=WHICH,
        count=st.integers(min_value=1, max_value=3),
        use_credit=st.booleans(),
    ),
    move("confirm", which=WHICH, amount=MAYBE),
    move("apply", which=WHICH, amount=MAYBE),
    move("take_back", which=WHICH),
    move("void", which=WHICH),
    move("days_pass", days=st.integers(min_value=0, max_value=6)),
)


@settings(
    max_examples=25,
    deadline=None,
    # The stage stays; every example plays with a customer of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rounds=st.lists(st.lists(MOVES, min_size=1, max_size=4), min_size=5, max_size=12)
)
async def test_any_moves_in_any_order_and_at_once_leave_everything_agreeing(
    stage: Stage, rounds: list[list[Move]]
) -> None:
    player = Player(await stage.customer(), stage)
    await player.order("large", use_credit=False)
    await player.top_up("50.00")
    for moves in rounds:
        await asyncio.gather(*(getattr(player, name)(**how) for name, how in moves))
    assert await player.accounted_for() == player.received
    assert await player.paid_by_money() == await player.paid_without_credit()
    assert await stage.violations() == {}
