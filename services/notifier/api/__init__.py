"""The HTTP routes of the notifier: parse → command or query → response."""

from services.notifier.api import emails, news

ROUTES = (news.routes, emails.routes)
