"""Notifier's SQL: one function per statement, rows in, domain objects out."""

from services.notifier.store.history import (
    MailFilter,
    MailRecord,
    count_mails,
    count_mails_to,
    get_mail,
    list_mails,
    list_mails_to,
    lock_mail,
)
from services.notifier.store.mails import (
    DueMail,
    claim_due_mails,
    extend_lease,
    insert_mails,
    save_mail,
    save_try,
)
from services.notifier.store.news import (
    count_articles,
    delete_article,
    get_article,
    has_article,
    insert_article,
    list_articles,
    lock_article,
    save_article,
)
from services.notifier.store.notifications import (
    Addressable,
    insert_notification,
    lock_addressable,
    mark_addressed,
    save_customer,
)

__all__ = [
    "Addressable",
    "DueMail",
    "MailFilter",
    "MailRecord",
    "claim_due_mails",
    "count_articles",
    "count_mails",
    "count_mails_to",
    "delete_article",
    "extend_lease",
    "get_article",
    "get_mail",
    "has_article",
    "insert_article",
    "insert_mails",
    "insert_notification",
    "list_articles",
    "list_mails",
    "list_mails_to",
    "lock_addressable",
    "lock_article",
    "lock_mail",
    "mark_addressed",
    "save_article",
    "save_customer",
    "save_mail",
    "save_try",
]
