"""What must hold of tickets and their files once all is quiet."""

import hashlib

from chassis.blobs import Blobs
from chassis.checks import Check, CheckResult, claim
from chassis.db import Record, Transaction
from chassis.errors import NotFound
from chassis.settings import load_settings
from services.tickets.settings import Settings


async def _verify_bytes(tx: Transaction) -> CheckResult:
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
    claim(
        # I16
        "ticket protocols are unique",
        count="SELECT count(*) FROM tickets",
        find="""
        SELECT format('protocol %s was given %s times', protocol, count(*))
        FROM tickets GROUP BY protocol HAVING count(*) > 1 ORDER BY protocol
        """,
    ),
    claim(
        # A ticket begins with its opening message, and none is missing after it.
        "conversations are whole",
        count="SELECT count(*) FROM tickets",
        find="""
        SELECT format('the messages of ticket %s are not whole', t.id)
        FROM tickets t LEFT JOIN messages m ON m.ticket_id = t.id
        GROUP BY t.id
        HAVING count(m.id) = 0
            OR count(m.id) <> max(m.position)
            OR bool_or(m.position = 1 AND (
                m.at <> t.created_at
                OR (NOT t.internal
                    AND (m.kind <> 'public' OR m.author_id <> t.requester_id))))
        ORDER BY t.id
        """,
    ),
    claim(
        "attachments stay with their customer",
        count="SELECT count(*) FROM attachments WHERE message_id IS NOT NULL",
        find="""
        SELECT format('attachment %s is in another customer''s ticket', a.id)
        FROM attachments a
        JOIN messages m ON m.id = a.message_id JOIN tickets t ON t.id = m.ticket_id
        WHERE a.customer_id IS DISTINCT FROM t.customer_id OR m.kind <> 'public'
        ORDER BY a.id
        """,
    ),
    claim(
        "tickets name their customer's things",
        count="SELECT count(*) FROM tickets",
        find="""
        SELECT format('ticket %s names another customer''s things', id)
        FROM (
            SELECT t.id FROM tickets t
            JOIN ticket_services r ON r.ticket_id = t.id
            JOIN services s ON s.id = r.service_id
            WHERE s.customer_id <> t.customer_id
            UNION
            SELECT t.id FROM tickets t JOIN invoices i ON i.id = t.invoice_id
            WHERE i.customer_id <> t.customer_id
        ) AS foreigners
        ORDER BY id
        """,
    ),
    # I17
    Check("attachments have their bytes", _verify_bytes),
)
