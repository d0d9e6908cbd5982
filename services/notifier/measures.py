"""What the notifier tells operators about its mails: counts and ages."""

from prometheus_client import Gauge

from chassis.clock import Clock
from chassis.db import Transaction
from services.notifier.domain.mails import MailStatus
from services.notifier.store.figures import count_unsent_mails, find_oldest_due

#: What a mail that isn't sent can be; those that are sent grow without end.
UNSENT = tuple(status for status in MailStatus if status is not MailStatus.SENT)

unsent = Gauge("mails_unsent", "Mails that are not sent, by what they are", ["status"])
oldest_due = Gauge(
    "mails_oldest_due_seconds", "For how long the longest due mail has been due"
)


async def measure(tx: Transaction, clock: Clock) -> None:
    counts = await count_unsent_mails(tx, UNSENT)
    for status in UNSENT:
        unsent.labels(status).set(counts.get(status, 0))
    now = clock.now()
    due_at = await find_oldest_due(tx)
    oldest_due.set(max((now - due_at).total_seconds(), 0) if due_at else 0)
