"""The first page: asks all services at once, and loses a panel at most."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from chassis.errors import NotAuthenticated
from contracts.api.gateway import Counts, DashboardView
from gateway.proxy import forwarded_headers
from gateway.settings import Settings

#: Items that a panel shows; the count beside it is of the whole list.
PANEL_ITEMS = 5

Answers = dict[str, dict[str, Any]]

log = structlog.get_logger("dashboard")


@dataclass(frozen=True, slots=True)
class Question:
    """What a panel asks of a service."""

    panel: str
    service: str
    path: str


QUESTIONS = (
    Question("contact", "accounts", "/me"),
    Question("services", "billing", f"/services?count=true&limit={PANEL_ITEMS}"),
    Question("domains", "billing", f"/domains?count=true&limit={PANEL_ITEMS}"),
    Question("open_invoices", "billing", "/invoices?status=open&count=true&limit=1"),
    Question(
        "tickets", "tickets", f"/tickets?closed=false&count=true&limit={PANEL_ITEMS}"
    ),
    Question("news", "notifier", f"/news?limit={PANEL_ITEMS}"),
)


class Dashboard:
    """Gathers the panels; one that isn't answered in time is named as unavailable."""

    def __init__(self, settings: Settings, upstream: ClientSession) -> None:
        self._urls = settings.service_urls
        self._upstream = upstream
        self._timeout = ClientTimeout(total=settings.panel_timeout_seconds)

    async def gather(self, authorization: str, language: str | None) -> DashboardView:
        """Ask every question at once, as the caller."""
        headers = forwarded_headers()
        headers["Authorization"] = authorization
        if language:
            headers["Accept-Language"] = language
        found = await asyncio.gather(*(self._ask(q, headers) for q in QUESTIONS))
        answers = {
            question.panel: answer
            for question, answer in zip(QUESTIONS, found, strict=True)
            if answer is not None
        }
        return _view(answers)

    async def _ask(
        self, question: Question, headers: Mapping[str, str]
    ) -> dict[str, Any] | None:
        url = f"{self._urls[question.service]}/api/v1{question.path}"
        try:
            async with self._upstream.get(
                url, headers=headers, timeout=self._timeout
            ) as answer:
                if answer.status == HTTPStatus.UNAUTHORIZED:
                    raise NotAuthenticated
                answer.raise_for_status()
                return await answer.json()
        except (ClientError, TimeoutError, ValueError) as error:
            log.warning("panel unavailable", panel=question.panel, reason=repr(error))
            return None


def _view(answers: Answers) -> DashboardView:
    unavailable = [q.panel for q in QUESTIONS if q.panel not in answers]
    counts = Counts(
        services=_total(answers, "services"),
        domains=_total(answers, "domains"),
        open_invoices=_total(answers, "open_invoices"),
        open_tickets=_total(answers, "tickets"),
    )
    # A service that is a release ahead may answer with fields we don't know yet.
    return DashboardView.model_validate(
        {
            "contact": answers.get("contact"),
            "counts": counts,
            "services": _items(answers, "services"),
            "domains": _items(answers, "domains"),
            "tickets": _items(answers, "tickets"),
            "news": _items(answers, "news"),
            "unavailable": unavailable,
        },
        extra="ignore",
    )


def _total(answers: Answers, panel: str) -> int | None:
    return answers[panel]["total"] if panel in answers else None


def _items(answers: Answers, panel: str) -> list[dict[str, Any]] | None:
    return answers[panel]["items"] if panel in answers else None
