"""The daily run's rules: what goes on one invoice, and by which dates it is booked."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import uuid7
from services.billing.domain.invoices import Party
from services.billing.domain.runs import (
    MAXIMUM_LINES,
    Days,
    Failure,
    Report,
    Run,
    Step,
    group_renewals,
    is_news,
    new_failures,
    renewal_line,
)
from services.billing.domain.services import Service
from services.billing.domain.terms import Terms
from tests.unit.billing_orders.builders import a_service

TODAY = date(2026, 11, 24)
CUSTOMERS = [uuid7() for _ in range(3)]


@st.composite
def services_due(draw: st.DrawFn) -> Service:
    return a_service(
        customer_id=draw(st.sampled_from(CUSTOMERS)),
        next_due_on=TODAY + timedelta(days=draw(st.integers(0, 2))),
        currency=draw(st.sampled_from(["BRL", "USD"])),
    )


def key_of(service: Service) -> tuple[date, UUID, str]:
    assert service.next_due_on is not None
    return service.next_due_on, service.customer_id, service.recurring.currency


@given(st.lists(services_due()))
def test_one_invoice_per_customer_due_date_and_currency(found: list[Service]) -> None:
    groups = group_renewals(sorted(found, key=key_of))
    assert len(groups) == len({key_of(service) for service in found})
    assert all(len({key_of(service) for service in group}) == 1 for group in groups)
    assert sum(len(group) for group in groups) == len(found)


def test_what_is_too_long_for_one_invoice_goes_on_several() -> None:
    customer_id = uuid7()
    many = [
        a_service(customer_id=customer_id, next_due_on=TODAY)
        for _ in range(MAXIMUM_LINES + 1)
    ]
    assert [len(group) for group in group_renewals(many)] == [MAXIMUM_LINES, 1]


def test_a_renewal_names_the_days_it_pays_for() -> None:
    service = a_service(next_due_on=date(2027, 1, 31))
    english, portuguese = (renewal_line(service, "en"), renewal_line(service, "pt-BR"))
    assert english.description == "Start (example.com), 31 Jan 2027 to 27 Feb 2027"
    assert portuguese.description == "Start (example.com), 31/01/2027 a 27/02/2027"
    assert english.period_start == date(2027, 1, 31)
    assert english.period_end == date(2027, 2, 28)


def test_a_run_for_a_day_gone_by_is_booked_today() -> None:
    assert Days(on=TODAY - timedelta(days=8), today=TODAY).booked_on == TODAY
    assert Days(on=TODAY + timedelta(days=8), today=TODAY).booked_on > TODAY


def test_the_lead_counts_back_from_the_expiry() -> None:
    terms = Terms(seller=Party(name="Nuvem"))
    expiry = date(2026, 12, 31)
    assert terms.issues_through(expiry - timedelta(days=10)) >= expiry
    assert terms.issues_through(expiry - timedelta(days=11)) < expiry


def a_run(*failures: Failure) -> Run:
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    return Run(
        id=uuid7(),
        on=TODAY,
        started_at=at,
        finished_at=at,
        report=Report(customers_failed=len(failures)),
        failures=failures,
    )


def a_failure(*, passing: bool) -> Failure:
    return Failure(
        step=Step.RENEWAL, customer_id=CUSTOMERS[0], problem="P", passing=passing
    )


def test_a_failure_that_lasts_is_news_once() -> None:
    failed = a_run(a_failure(passing=False))
    assert new_failures(failed, None) == list(failed.failures)
    assert is_news(failed, None)
    assert new_failures(failed, failed) == []
    assert not is_news(failed, failed)


def test_what_seemed_to_pass_is_news_again_once_it_lasts() -> None:
    passing, lasting = a_run(a_failure(passing=True)), a_run(a_failure(passing=False))
    assert new_failures(passing, None) == []
    assert new_failures(lasting, passing) == list(lasting.failures)
    assert is_news(lasting, passing)
    # Else the next that lasts would be told a second time.
    assert not is_news(passing, lasting)
