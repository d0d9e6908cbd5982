"""What must hold of mails once all is quiet."""

from typing import LiteralString

from chassis.checks import Check, CheckResult
from chassis.db import Transaction

#: Enough to see what is wrong; nobody reads a thousand lines.
SHOWN = 20


async def recipients_are_told_once(tx: Transaction) -> CheckResult:
    """I15: one mail per event, recipient and template.

    A further copy exists only where the fate of an earlier one was unknown.
    """
    return await _check(
        tx,
        "SELECT count(*) FROM mails",
        """
        SELECT 'event ' || event_id || ' told ' || user_id || ' by ' || count(*)
               || ' mails ' || template AS fault
        FROM mails GROUP BY event_id, user_id, template HAVING count(*) > 1
        UNION ALL
        SELECT 'mail ' || id || ' was accepted ' || acceptances || ' times'
        FROM mails WHERE acceptances > 1 + lost_answers + interruptions
        LIMIT $1
        """,
    )


async def notifications_reach_somebody(tx: Transaction) -> CheckResult:
    """Every notification whose customer is known was addressed, soon after it came."""
    return await _check(
        tx,
        "SELECT count(*) FROM notifications",
        """
        SELECT 'notification ' || n.id || ' (' || n.template || ') waits' AS fault
        FROM notifications n LEFT JOIN customers c ON c.id = n.customer_id
        WHERE n.addressed_at IS NULL
          AND (c.id IS NOT NULL OR n.addressee IS NOT NULL)
          AND n.noted_at < now() - interval '1 minute'
        UNION ALL
        SELECT 'notification ' || id || ' waits for a customer nobody has told of'
        FROM notifications
        WHERE addressed_at IS NULL AND noted_at < now() - interval '10 minutes'
        LIMIT $1
        """,
    )


async def nothing_is_overdue(tx: Transaction) -> CheckResult:
    """I21: no mail is pending past its time, and no lease was forgotten."""
    return await _check(
        tx,
        "SELECT count(*) FROM mails WHERE next_step_at IS NOT NULL",
        """
        SELECT 'mail ' || id || ' is ' || status || ' since ' || next_step_at AS fault
        FROM mails WHERE next_step_at < now() - interval '2 minutes'
        LIMIT $1
        """,
    )


async def _check(
    tx: Transaction, count: LiteralString, faults: LiteralString
) -> CheckResult:
    rows = await tx.fetch(faults, SHOWN)
    return CheckResult(await tx.fetchval(count), [row["fault"] for row in rows])


CHECKS = (
    Check("each recipient is told once", recipients_are_told_once),
    Check("notifications reach somebody", notifications_reach_somebody),
    Check("no mail is overdue", nothing_is_overdue),
)
