"""What must hold of tickets and their files once all is quiet."""

import hashlib

from chassis.blobs import Blobs
from chassis.checks import Check, CheckResult
from chassis.db import Record, Transaction
from chassis.errors import NotFound
from chassis.settings import load_settings
from services.tickets.settings import Settings

#: Enough to see what is wrong; nobody reads a thousand lines.
SHOWN = 20


async def protocols_are_unique(tx: Transaction) -> CheckResult:
    """I16: no protocol was given twice, and every ticket has one of its own."""
    rows = await tx.fetch(
        """
        SELECT protocol, count(*) AS given FROM tickets
        GROUP BY protocol HAVING count(*) > 1 ORDER BY protocol LIMIT $1
        """,
        SHOWN,
    )
    return CheckResult(
        await tx.fetchval("SELECT count(*) FROM tickets"),
        [f"protocol {row['protocol']} was given {row['given']} times" for row in rows],
    )


async def conversations_are_whole(tx: Transaction) -> CheckResult:
    """Every ticket begins with its opening message, and none is missing after it."""
    rows = await tx.fetch(
        """
        SELECT t.id FROM tickets t LEFT JOIN messages m ON m.ticket_id = t.id
        GROUP BY t.id
        HAVING count(m.id) = 0
            OR count(m.id) <> max(m.position)
            OR bool_or(m.position = 1 AND (
                m.at <> t.opened_at
                OR (NOT t.internal
                    AND (m.kind <> 'public' OR m.author_id <> t.requester_id))))
        ORDER BY t.id LIMIT $1
        """,
        SHOWN,
    )
    return CheckResult(
        await tx.fetchval("SELECT count(*) FROM tickets"),
        [f"the messages of ticket {row['id']} are not whole" for row in rows],
    )


async def attachments_stay_with_their_customer(tx: Transaction) -> CheckResult:
    """A file that was sent belongs to the customer of its ticket."""
    rows = await tx.fetch(
        """
        SELECT a.id FROM attachments a
        JOIN messages m ON m.id = a.message_id JOIN tickets t ON t.id = m.ticket_id
        WHERE a.customer_id IS DISTINCT FROM t.customer_id OR m.kind <> 'public'
        ORDER BY a.id LIMIT $1
        """,
        SHOWN,
    )
    return CheckResult(
        await tx.fetchval(
            "SELECT count(*) FROM attachments WHERE message_id IS NOT NULL"
        ),
        [f"attachment {row['id']} is in another customer's ticket" for row in rows],
    )


async def related_things_are_the_customers(tx: Transaction) -> CheckResult:
    """A ticket names only services and invoices of its own customer."""
    rows = await tx.fetch(
        """
        SELECT t.id FROM tickets t
        JOIN ticket_services r ON r.ticket_id = t.id
        JOIN services s ON s.id = r.service_id
        WHERE s.customer_id <> t.customer_id
        UNION
        SELECT t.id FROM tickets t JOIN invoices i ON i.id = t.invoice_id
        WHERE i.customer_id <> t.customer_id
        ORDER BY id LIMIT $1
        """,
        SHOWN,
    )
    return CheckResult(
        await tx.fetchval("SELECT count(*) FROM tickets"),
        [f"ticket {row['id']} names another customer's things" for row in rows],
    )


async def attachments_have_their_bytes(tx: Transaction) -> CheckResult:
    """I17: the bytes of every stored file are there, as long and as they were."""
    folder = load_settings(Settings).blobs_dir
    if folder is None:
        return CheckResult(0, ["BLOBS_DIR is not set: the bytes can't be looked at"])
    blobs = Blobs(folder)
    rows = await tx.fetch(
        "SELECT id, size, sha256 FROM attachments WHERE state = 'stored' ORDER BY id"
    )
    faults = [await _fault(blobs, row) for row in rows]
    return CheckResult(len(rows), [fault for fault in faults if fault])


async def _fault(blobs: Blobs, row: Record) -> str | None:
    try:
        content = await blobs.get(str(row["id"]))
    except NotFound:
        return f"the bytes of attachment {row['id']} are missing"
    if len(content) != row["size"]:
        return f"attachment {row['id']} has {len(content)} bytes, not {row['size']}"
    if hashlib.sha256(content).hexdigest() != row["sha256"]:
        return f"the bytes of attachment {row['id']} have changed"
    return None


CHECKS = (
    Check("ticket protocols are unique", protocols_are_unique),
    Check("conversations are whole", conversations_are_whole),
    Check("attachments stay with their customer", attachments_stay_with_their_customer),
    Check("tickets name their customer's things", related_things_are_the_customers),
    Check("attachments have their bytes", attachments_have_their_bytes),
)
