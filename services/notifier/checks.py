"""What must hold of mails once all is quiet."""

from chassis.checks import claim

CHECKS = (
    claim(
        # I15: one mail per event, recipient and template; a further copy only where
        # the fate of an earlier one was unknown.
        "each recipient is told once",
        count="SELECT count(*) FROM mails",
        find="""
        SELECT format('event %s told %s by %s mails %s',
                      event_id, user_id, count(*), template)
        FROM mails GROUP BY event_id, user_id, template HAVING count(*) > 1
        UNION ALL
        SELECT format('mail %s was accepted %s times', id, acceptances)
        FROM mails WHERE acceptances > 1 + lost_answers + interruptions
        """,
    ),
    claim(
        "notifications reach somebody",
        once_running=True,
        count="SELECT count(*) FROM notifications",
        find="""
        SELECT format('notification %s (%s) waits', n.id, n.template)
        FROM notifications n LEFT JOIN customers c ON c.id = n.customer_id
        WHERE n.addressed_at IS NULL
          AND (c.id IS NOT NULL OR n.addressee IS NOT NULL)
          AND n.noted_at < now() - interval '1 minute'
        UNION ALL
        SELECT format('notification %s waits for a customer nobody has told of', id)
        FROM notifications
        WHERE addressed_at IS NULL AND noted_at < now() - interval '10 minutes'
        """,
    ),
    claim(
        # I21: none is pending past its time, and no lease was forgotten.
        "no mail is overdue",
        once_running=True,
        count="SELECT count(*) FROM mails WHERE next_step_at IS NOT NULL",
        find="""
        SELECT format('mail %s is %s since %s', id, status, next_step_at)
        FROM mails WHERE next_step_at < now() - interval '2 minutes'
        """,
    ),
)
