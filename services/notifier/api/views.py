"""Notifier's domain objects as the public API shows them."""

from contracts.api.fields import Language
from contracts.api.notifier import (
    ArticleView,
    MailView,
    MailWithContentView,
    NewsView,
    StaffMailView,
)
from services.notifier.domain.languages import available_language
from services.notifier.domain.mails import MailCopy
from services.notifier.domain.news import Article
from services.notifier.store.history import MailRecord


def view_mail(record: MailRecord) -> MailView:
    mail = record.mail
    return MailView(
        id=mail.id,
        template=mail.template,
        to=mail.recipient.email,
        subject=record.subject,
        status=mail.status.value,
        created_at=mail.created_at,
        sent_at=mail.sent_at,
    )


def view_mail_with_content(
    record: MailRecord, copy: MailCopy | None
) -> MailWithContentView:
    return MailWithContentView(
        **dict(view_mail(record)), text=copy and copy.text, html=copy and copy.html
    )


def view_mail_for_staff(record: MailRecord) -> StaffMailView:
    mail = record.mail
    return StaffMailView(
        **dict(view_mail(record)),
        customer_id=mail.customer_id,
        message_id=mail.message_id,
        last_answer=mail.last_answer,
        next_step_at=mail.next_step_at,
    )


def view_news(article: Article, language: Language) -> NewsView:
    shown = available_language(article.title, language)
    return NewsView(
        slug=article.slug,
        language=shown,
        title=article.title[shown],
        body=article.body[shown],
        published_at=article.published_at,
    )


def view_article(article: Article) -> ArticleView:
    return ArticleView.model_validate(article, from_attributes=True)
