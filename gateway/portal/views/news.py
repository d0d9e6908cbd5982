"""News for everybody, in the reader's language."""

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import public
from contracts.api.notifier import NewsView
from gateway.portal.languages import current_language
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit, in_path

pages = Pages()


@pages.get("/news", policy=public())
async def list_news(visit: Visit) -> web.Response:
    articles = await visit.api.get(
        "/news",
        Page[NewsView],
        language=current_language(),
        cursor=visit.query.get("cursor"),
    )
    return visit.render("news/list.html", articles=articles)


@pages.get("/news/{slug}", policy=public())
async def show_news(visit: Visit, slug: str) -> web.Response:
    article = await visit.api.get(
        f"/news/{in_path(slug)}", NewsView, language=current_language()
    )
    return visit.render("news/article.html", article=article)
