"""What must hold of customers, people and sessions once all is quiet."""

from chassis.checks import claim

CHECKS = (
    claim(
        # A user acts for exactly one customer, or is staff with a role.
        "everybody belongs somewhere",
        count="SELECT count(*) FROM users",
        find="""
        SELECT format('user %s is neither a customer''s nor staff', u.id)
        FROM users u LEFT JOIN customers c ON c.id = u.customer_id
        WHERE (c.id IS NULL) = (u.role IS NULL)
        ORDER BY u.id
        """,
    ),
    claim(
        "every customer has somebody",
        count="SELECT count(*) FROM customers",
        find="""
        SELECT format('customer %s has nobody', c.id) FROM customers c
        WHERE NOT EXISTS (SELECT FROM users u WHERE u.customer_id = c.id)
        ORDER BY c.id
        """,
    ),
    claim(
        # I20; nor does a session outlive its user.
        "a password reset ends every session",
        count="SELECT count(*) FROM sessions WHERE ended_at IS NULL",
        find="""
        SELECT format('session %s should have ended', s.id)
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.ended_at IS NULL AND s.expires_at > now() AND (
            NOT u.active OR EXISTS (
                SELECT FROM link_requests l
                WHERE l.user_id = u.id AND l.purpose = 'reset_password'
                  AND l.used_at >= s.created_at
            )
        )
        ORDER BY s.id
        """,
    ),
    claim(
        # A browser's own, or an app's newest refresh token.
        "live sessions have one token to go on with",
        count="SELECT count(*) FROM sessions WHERE ended_at IS NULL",
        find="""
        SELECT format('session %s has %s tokens', s.id,
                      count(s.token_hash) + count(t.token_hash))
        FROM sessions s LEFT JOIN refresh_tokens t
            ON t.session_id = s.id AND t.used_at IS NULL
        WHERE s.ended_at IS NULL
        GROUP BY s.id HAVING count(s.token_hash) + count(t.token_hash) <> 1
        ORDER BY s.id
        """,
    ),
    claim(
        "links are used in time",
        count="SELECT count(*) FROM link_requests",
        find="""
        SELECT format('link request %s was used too late', id) FROM link_requests
        WHERE used_at >= expires_at
        ORDER BY id
        """,
    ),
    claim(
        "customers' versions are announced",
        count="SELECT count(*) FROM customers",
        find="""
        SELECT format('customer %s is at %s, told %s', c.id, c.version, told.version)
        FROM customers c JOIN (
            SELECT subject, max(version) AS version FROM outbox
            WHERE aggregate = 'accounts.customer' GROUP BY subject
        ) AS told ON told.subject = c.id
        WHERE told.version <> c.version
        ORDER BY c.id
        """,
    ),
)
