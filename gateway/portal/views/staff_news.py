"""News as staff writes it: in one language or both, now or on a date to come."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from http import HTTPStatus
from zoneinfo import ZoneInfo

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import staff
from contracts.api.notifier import ArticleView
from gateway.portal.forms import Form
from gateway.portal.languages import LANGUAGES, N_
from gateway.portal.pages import Pages
from gateway.portal.views.staff_clock import business_time
from gateway.portal.visit import Visit, in_path
from gateway.services import Refused

PATH = "/staff/news"
NEW = f"{PATH}/new"
#: Apart from `new`, which may be an article's own name.
ARTICLE = PATH + "/articles/{slug}"
TEXTS = [f"{text}.{language}" for text in ("title", "body") for language in LANGUAGES]
FIRST = next(iter(LANGUAGES))
WHEN = "published_at"
WHEN_BEFORE = "published_at-before"

pages = Pages()


@pages.get(PATH, policy=staff("news.write"))
async def list_articles(visit: Visit) -> web.Response:
    articles, now = await asyncio.gather(
        visit.api.get(PATH, Page[ArticleView], cursor=visit.query.get("cursor")),
        business_time(visit),
    )
    return visit.render("staff_news/list.html", articles=articles, now=now)


@pages.get(NEW, policy=staff("news.write"))
async def show_new_article(visit: Visit) -> web.Response:
    return await _page(visit, Form())


@pages.post(NEW, policy=staff("news.write"))
async def publish_article(visit: Visit) -> web.Response:
    form = visit.form
    if form["do"] == "preview":
        return await _page(visit, form)
    body = _body(visit, "slug")
    if await _send(form, visit.api.post(PATH, ArticleView, body, key=form.key)) is None:
        return await _page(visit, form)
    return visit.go(PATH, notice=N_("The article is published."))


@pages.get(ARTICLE, policy=staff("news.write"))
async def show_article(visit: Visit, slug: str) -> web.Response:
    article = await visit.api.get(f"{PATH}/{in_path(slug)}", ArticleView)
    return await _page(visit, _filled(visit, article), article)


@pages.post(ARTICLE, policy=staff("news.write"))
async def change_article(visit: Visit, slug: str) -> web.Response:
    """Do what was pressed: preview, save or remove."""
    path = f"{PATH}/{in_path(slug)}"
    if visit.form["do"] == "remove":
        return await _remove(visit, path)
    article = await visit.api.get(path, ArticleView)
    if visit.form["do"] == "preview":
        return await _page(visit, visit.form, article)
    if (
        await _send(visit.form, visit.api.patch(path, ArticleView, _body(visit)))
        is None
    ):
        return await _page(visit, visit.form, article)
    return visit.go(PATH, notice=N_("The article is saved."))


async def _page(
    visit: Visit, form: Form, article: ArticleView | None = None
) -> web.Response:
    return visit.render(
        "staff_news/article.html",
        status=form.status,
        form=form,
        article=article,
        previews=form["do"] == "preview",
        now=await business_time(visit),
    )


def _filled(visit: Visit, article: ArticleView) -> Form:
    published = [_local(visit, article.published_at)]
    values = {WHEN: published, WHEN_BEFORE: published}
    for language, title in article.title.items():
        values[f"title.{language}"] = [title]
    for language, body in article.body.items():
        values[f"body.{language}"] = [body]
    return Form(values)


def _body(visit: Visit, *names: str) -> dict[str, object]:
    form = visit.form
    body = form.body(*TEXTS, *names)
    typed = form[WHEN].strip()
    # Untouched it isn't sent: the field knows no seconds, and would cut them off.
    if typed and typed != form[WHEN_BEFORE]:
        body[WHEN] = _instant(visit, typed)
    return body


async def _send(form: Form, call: Awaitable[ArticleView]) -> ArticleView | None:
    """Send it; what is wrong with both languages is said beside the first."""
    article = await form.send(call)
    for text in ("title", "body"):
        if text in form.errors:
            form.errors[f"{text}.{FIRST}"] = form.errors.pop(text)
    return article


async def _remove(visit: Visit, path: str) -> web.Response:
    try:
        await visit.api.act("DELETE", path)
    except Refused as refusal:
        # Pressed twice: it is gone already.
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
    return visit.go(PATH, notice=N_("The article is removed."))


def _local(visit: Visit, instant: datetime) -> str:
    """Return an instant as a field for date and time has it, in the reader's zone."""
    there = instant.astimezone(ZoneInfo(visit.time_zone))
    return there.strftime("%Y-%m-%dT%H:%M")


def _instant(visit: Visit, typed: str) -> str:
    """Return what was typed as an instant; what is none stays, to be refused."""
    try:
        there = datetime.fromisoformat(typed).replace(tzinfo=ZoneInfo(visit.time_zone))
    except ValueError:
        return typed
    return there.isoformat()
