"""What must hold of customers, people and sessions once all is quiet."""

from chassis.checks import Check, CheckResult
from chassis.db import Transaction

#: Enough to see what is wrong; nobody reads a thousand lines.
SHOWN = 20


async def everybody_belongs_somewhere(tx: Transaction) -> CheckResult:
    """Every user acts for exactly one customer, or is staff with a role."""
    rows = await tx.fetch(
        """
        SELECT user_id FROM users LEFT JOIN customers USING (customer_id)
        WHERE (customers.customer_id IS NULL) = (role IS NULL)
        ORDER BY user_id LIMIT $1
        """,
        SHOWN,
    )
    return CheckResult(
        await tx.fetchval("SELECT count(*) FROM users"),
        [f"user {row['user_id']} is neither a customer's nor staff" for row in rows],
    )


async def every_customer_has_somebody(tx: Transaction) -> CheckResult:
    """Every customer has a person who may act for it."""
    rows = await tx.fetch(
        """
        SELECT customer_id FROM customers
        WHERE NOT EXISTS (
            SELECT FROM users WHERE users.customer_id = customers.customer_id
        )
        ORDER BY customer_id LIMIT $1
        """,
        SHOWN,
    )
    return CheckResult(
        await tx.fetchval("SELECT count(*) FROM customers"),
        [f"customer {row['customer_id']} has nobody" for row in rows],
    )


async def a_reset_ends_every_session(tx: Transaction) -> CheckResult:
    """I20: no session outlives a reset of its user's password, nor its user."""
    rows = await tx.fetch(
        """
        SELECT session_id FROM sessions JOIN users USING (user_id)
        WHERE ended_at IS NULL AND expires_at > now() AND (
            NOT users.active OR EXISTS (
                SELECT FROM link_requests
                WHERE link_requests.user_id = sessions.user_id
                  AND purpose = 'reset-password' AND used_at >= sessions.created_at
            )
        )
        ORDER BY session_id LIMIT $1
        """,
        SHOWN,
    )
    return CheckResult(
        await tx.fetchval("SELECT count(*) FROM sessions WHERE ended_at IS NULL"),
        [f"session {row['session_id']} should have ended" for row in rows],
    )


async def live_sessions_have_one_token(tx: Transaction) -> CheckResult:
    """A live session has exactly one refresh token that wasn't used."""
    rows = await tx.fetch(
        """
        SELECT sessions.session_id, count(token_hash) AS unused
        FROM sessions LEFT JOIN refresh_tokens
            ON refresh_tokens.session_id = sessions.session_id AND used_at IS NULL
        WHERE ended_at IS NULL
        GROUP BY sessions.session_id HAVING count(token_hash) <> 1
        ORDER BY sessions.session_id LIMIT $1
        """,
        SHOWN,
    )
    return CheckResult(
        await tx.fetchval("SELECT count(*) FROM sessions WHERE ended_at IS NULL"),
        [f"session {row['session_id']} has {row['unused']} tokens" for row in rows],
    )


async def links_are_used_in_time(tx: Transaction) -> CheckResult:
    """No link was followed after it expired."""
    rows = await tx.fetch(
        """
        SELECT request_id FROM link_requests WHERE used_at >= expires_at
        ORDER BY request_id LIMIT $1
        """,
        SHOWN,
    )
    return CheckResult(
        await tx.fetchval("SELECT count(*) FROM link_requests"),
        [f"link request {row['request_id']} was used too late" for row in rows],
    )


async def versions_are_announced(tx: Transaction) -> CheckResult:
    """Each customer's latest version is the latest that an event told of."""
    rows = await tx.fetch(
        """
        SELECT customer_id, customers.version, told.version AS told
        FROM customers JOIN (
            SELECT subject, max(version) AS version FROM outbox
            WHERE aggregate = 'accounts.customer' GROUP BY subject
        ) AS told ON told.subject = customer_id
        WHERE told.version <> customers.version
        ORDER BY customer_id LIMIT $1
        """,
        SHOWN,
    )
    return CheckResult(
        await tx.fetchval("SELECT count(*) FROM customers"),
        [
            f"customer {row['customer_id']} is at {row['version']}, told {row['told']}"
            for row in rows
        ],
    )


CHECKS = (
    Check("everybody belongs somewhere", everybody_belongs_somewhere),
    Check("every customer has somebody", every_customer_has_somebody),
    Check("a password reset ends every session", a_reset_ends_every_session),
    Check("live sessions have one unused token", live_sessions_have_one_token),
    Check("links are used in time", links_are_used_in_time),
    Check("customers' versions are announced", versions_are_announced),
)
