"""The claim that the journal is what was sealed: hash by hash, nothing left out."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis.checks import MAXIMUM_VIOLATIONS, Check, CheckResult
from chassis.db import Transaction
from services.billing.domain.seals import GENESIS, Recorded, Seal, least_id, seal
from services.billing.store.seals import list_forgotten, list_sealed

CHUNK = 1000
#: The job that seals runs every few seconds; this long without it is a fault.
SEALED_WITHIN = timedelta(minutes=10)


async def _verify(tx: Transaction) -> CheckResult:
    """Walk the chain from its beginning; report each link that doesn't hold."""
    checked, previous = 0, GENESIS
    violations: list[str] = []
    while links := await list_sealed(tx, checked, CHUNK):
        for link, recorded in links:
            checked += 1
            violations += _faults(link, recorded, checked, previous)
            previous = link.hash
            # Go on by what the chain says, so that one fault is one violation.
            checked = max(checked, link.position)
    before = least_id(datetime.now(UTC) - SEALED_WITHIN)
    violations += await _forgotten(tx, before)
    return CheckResult(checked, violations[:MAXIMUM_VIOLATIONS])


def _faults(
    link: Seal, recorded: Recorded | None, position: int, previous: bytes
) -> list[str]:
    if link.position != position:
        return [f"seals {position} to {link.position - 1} are missing"]
    if recorded is None:
        return [f"entry {link.entry_id}, sealed as {position}, is missing"]
    if seal(previous, recorded) != link.hash:
        return [f"entry {link.entry_id} is not what was sealed as {position}"]
    return []


async def _forgotten(tx: Transaction, before: UUID) -> list[str]:
    entry_ids = await list_forgotten(tx, before, MAXIMUM_VIOLATIONS)
    return [f"entry {entry_id} was never sealed" for entry_id in entry_ids]


CHAIN = Check("the journal is what was sealed in its hash chain", _verify)
