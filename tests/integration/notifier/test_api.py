"""The notifier's routes: news for everybody, mails for those they were written to."""

import json
from datetime import timedelta
from uuid import UUID

import pytest

from chassis.clock import Clock
from chassis.http import Principal
from chassis.ids import uuid7
from services.notifier.seed import seed
from services.notifier.settings import Settings
from services.notifier.templates import MASK
from tests.integration.notifier.stage import Answer, Stage
from tests.support.tokens import a_customer, a_staff_member
from tests.unit.notifier.events import a_contact, a_reset, an_invoice

EDITOR = a_staff_member("news.write")
OPERATOR = a_staff_member("operations")
ARTICLE = {
    "title": {"en": "New region", "pt-BR": "Nova região"},
    "body": {"en": "We are in **Recife**.", "pt-BR": "Estamos em **Recife**."},
}


async def publish(stage: Stage, **fields: object) -> Answer:
    return await stage.ask("POST", "/staff/news", EDITOR, json=ARTICLE | fields)


async def test_news_are_read_by_anybody_in_their_language(stage: Stage) -> None:
    published = await publish(stage)
    assert (published.status, published.body["slug"]) == (201, "new-region")
    english = await stage.ask("GET", "/news/new-region")
    accepted = {"Accept-Language": "pt-BR,pt;q=0.9"}
    portuguese = await stage.ask("GET", "/news/new-region", headers=accepted)
    wanted = await stage.ask("GET", "/news/new-region?language=pt-BR")
    assert english.body["title"] == "New region"
    assert portuguese.body == wanted.body
    assert portuguese.body["title"] == "Nova região"
    assert portuguese.body["language"] == "pt-BR"


async def test_an_article_in_one_language_is_shown_to_all(stage: Stage) -> None:
    await publish(stage, title={"pt-BR": "Olá"}, body={"pt-BR": "Texto"})
    shown = await stage.ask("GET", "/news/ola?language=en")
    assert (shown.body["language"], shown.body["title"]) == ("pt-BR", "Olá")


async def test_the_list_of_news_is_newest_first_page_by_page(stage: Stage) -> None:
    for day in range(5):
        when = f"2026-01-0{day + 1}T12:00:00Z"
        await publish(stage, slug=f"day-{day}", published_at=when)
    first = await stage.ask("GET", "/news?limit=3&count=true")
    assert [item["slug"] for item in first.body["items"]] == ["day-4", "day-3", "day-2"]
    assert first.body["total"] == 5
    rest = await stage.ask("GET", f"/news?limit=3&cursor={first.body['next']}")
    assert [item["slug"] for item in rest.body["items"]] == ["day-1", "day-0"]
    assert rest.body["next"] is None


async def test_an_article_for_later_is_seen_by_staff_alone(stage: Stage) -> None:
    later = (stage.clock.instant + timedelta(days=3)).isoformat()
    await publish(stage, published_at=later)
    assert (await stage.ask("GET", "/news")).body["items"] == []
    assert (await stage.ask("GET", "/news/new-region")).status == 404
    staff = await stage.ask("GET", "/staff/news", EDITOR)
    assert [item["slug"] for item in staff.body["items"]] == ["new-region"]


async def test_an_article_is_revised_and_removed_and_both_are_on_record(
    stage: Stage,
) -> None:
    await publish(stage)
    path = "/staff/news/new-region"
    change = {"title": {"en": "News", "pt-BR": "Novidades"}}
    revised = await stage.ask("PATCH", path, EDITOR, json=change)
    assert (revised.body["version"], revised.body["body"]) == (2, ARTICLE["body"])
    again = await stage.ask("PATCH", path, EDITOR, json=change)
    assert again.body["version"] == 2
    assert (await stage.ask("DELETE", path, EDITOR)).status == 204
    assert (await stage.ask("GET", "/news/new-region")).status == 404
    async with stage.process.db.reading() as tx:
        rows = await tx.fetch("SELECT action, actor FROM audit_log ORDER BY id")
    assert [tuple(row) for row in rows] == [
        (action, EDITOR.actor)
        for action in ("article.published", "article.revised", "article.removed")
    ]


async def test_a_slug_is_used_once(stage: Stage) -> None:
    await publish(stage)
    assert (await publish(stage)).status == 409


async def test_the_same_key_publishes_once(stage: Stage) -> None:
    answers = [
        await stage.ask(
            "POST",
            "/staff/news",
            EDITOR,
            json=ARTICLE,
            headers={"Idempotency-Key": "one"},
        )
        for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].body == answers[1].body


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": {}}, "title"),
        ({"title": {"de": "Hallo"}}, "title.de"),
        ({"title": {"en": ""}}, "title.en"),
        ({"title": {"en": "x\ny", "pt-BR": "x"}}, "title.en"),
        ({"title": {"en": "x" * 201, "pt-BR": "x"}}, "title.en"),
        ({"body": {"en": "only English"}}, "body"),
        ({"slug": "Not A Slug"}, "slug"),
        ({"published_at": "2026-01-01T12:00:00"}, "published_at"),
        ({"title": {"en": "新しい", "pt-BR": "新しい"}}, "slug"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_bad_article_is_refused_by_field(
    stage: Stage, fields: dict[str, object], field: str
) -> None:
    answer = await publish(stage, **fields)
    assert answer.status == 422
    assert any(name.startswith(field) for name in answer.fields), answer.body
    assert (await stage.ask("GET", "/news")).body["items"] == []


@pytest.mark.parametrize("caller", [None, a_customer(), a_staff_member("tickets.read")])
async def test_only_editors_write_news(stage: Stage, caller: Principal | None) -> None:
    refused = 401 if caller is None else 403
    for method, path in (
        ("GET", "/staff/news"),
        ("POST", "/staff/news"),
        ("PATCH", "/staff/news/x"),
        ("DELETE", "/staff/news/x"),
    ):
        assert (await stage.ask(method, path, caller, json=ARTICLE)).status == refused


async def test_seeding_twice_publishes_once(stage: Stage) -> None:
    data: dict[str, object] = {"news": [ARTICLE | {"slug": "hello"}]}
    for _ in range(2):
        await seed(stage.process.db, Clock(), Settings(), json.loads(json.dumps(data)))
    news = await stage.ask("GET", "/news?count=true")
    assert news.body["total"] == 1


async def a_reader(stage: Stage, email: str = "ana@example.com") -> Principal:
    """Return somebody who has got an invoice by mail."""
    user_id = uuid7()
    customer_id = await stage.register(a_contact(email, user_id=user_id))
    await stage.tell(an_invoice(customer_id=customer_id))
    return a_customer(customer_id=customer_id, user_id=user_id)


async def test_i_see_the_mails_written_to_me_and_nobody_elses(stage: Stage) -> None:
    ana, bia = await a_reader(stage), await a_reader(stage, "bia@example.com")
    (mine,) = (await stage.ask("GET", "/emails", ana)).body["items"]
    assert mine["to"] == "ana@example.com"
    assert mine["status"] == "sent"
    shown = await stage.ask("GET", f"/emails/{mine['id']}", ana)
    assert "R$1,234.50" in shown.body["text"]
    assert shown.body["html"].startswith("<!DOCTYPE html>")
    assert (await stage.ask("GET", f"/emails/{mine['id']}", bia)).status == 404
    assert (await stage.ask("GET", f"/emails/{uuid7()}", ana)).status == 404
    assert (await stage.ask("GET", "/emails")).status == 401


async def test_a_colleague_of_the_same_customer_sees_only_their_own(
    stage: Stage,
) -> None:
    ana = await a_reader(stage)
    colleague = a_customer("tickets", customer_id=ana.customer_id)
    assert (await stage.ask("GET", "/emails", colleague)).body["items"] == []


async def test_my_history_goes_page_by_page(stage: Stage) -> None:
    ana = await a_reader(stage)
    assert ana.customer_id is not None
    for _ in range(4):
        await stage.tell(an_invoice(customer_id=ana.customer_id))
    seen: list[UUID] = []
    path = "/emails?limit=2&count=true"
    while path:
        page = (await stage.ask("GET", path, ana)).body
        assert page["total"] == 5
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        path = f"/emails?limit=2&count=true&cursor={cursor}" if cursor else ""
    assert len(set(seen)) == len(seen) == 5


async def test_the_history_masks_links(stage: Stage) -> None:
    user_id = uuid7()
    await stage.tell(a_reset(user_id=user_id))
    me = a_staff_member(user_id=user_id)
    (mine,) = (await stage.ask("GET", "/emails", me)).body["items"]
    shown = await stage.ask("GET", f"/emails/{mine['id']}", me)
    assert f"?token={MASK}" in shown.body["text"]


async def test_an_operator_finds_a_failed_mail_and_sends_it_again(
    stage: Stage,
) -> None:
    stage.mailbox.answers = ["550 no such user"]
    await a_reader(stage)
    (failed,) = (await stage.ask("GET", "/staff/emails?status=failed", OPERATOR)).body[
        "items"
    ]
    assert failed["last_answer"] == "550 no such user"
    path = f"/staff/emails/{failed['id']}/replays"
    assert (await stage.ask("POST", path, OPERATOR)).status == 201
    assert (await stage.ask("POST", path, OPERATOR)).status == 409
    stage.wait(seconds=5)
    await stage.send()
    assert len(stage.mailbox.received) == 1
    (sent,) = (await stage.ask("GET", "/staff/emails?status=sent", OPERATOR)).body[
        "items"
    ]
    assert sent["id"] == failed["id"]


async def test_operating_is_for_operators(stage: Stage) -> None:
    for caller in (a_customer(), EDITOR):
        assert (await stage.ask("GET", "/staff/emails", caller)).status == 403
        path = f"/staff/emails/{uuid7()}/replays"
        assert (await stage.ask("POST", path, caller)).status == 403
    assert (
        await stage.ask("POST", f"/staff/emails/{uuid7()}/replays", OPERATOR)
    ).status == 404


async def test_the_checks_look_at_every_mail(stage: Stage) -> None:
    await a_reader(stage)
    results = await stage.check()
    assert results["each recipient is told once"].checked == 1
    assert results["notifications reach somebody"].checked == 1


async def test_the_checks_find_a_forgotten_mail(stage: Stage) -> None:
    await a_reader(stage)
    async with stage.process.db.transaction() as tx:
        await tx.execute(
            """
            UPDATE mails SET status = 'pending', sent_at = NULL, acceptances = 2,
                             next_step_at = now() - interval '1 hour'
            """
        )
        await tx.execute(
            """
            UPDATE notifications
            SET addressed_at = NULL, noted_at = now() - interval '1 hour'
            """
        )
    assert len(await stage.faults()) == 4
    async with stage.process.db.transaction() as tx:
        await tx.execute("DELETE FROM mails")
        await tx.execute("DELETE FROM notifications")
