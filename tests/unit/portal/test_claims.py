"""Whatever the ledger's audit claims is said in plain words."""

from gateway.portal.claims import CLAIMS
from services.billing.checks import CHECKS


def test_every_check_of_the_ledger_is_said_in_plain_words() -> None:
    assert {check.name for check in CHECKS} == set(CLAIMS)
