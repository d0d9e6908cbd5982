"""The mailbox: what comes in by SMTP is there for people and for scripts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiohttp import ClientSession

from deploy.local.mailbox import Mailbox
from deploy.local.mailbox.mail import Mail
from deploy.local.mailbox.storage import Mails
from deploy.local.ports import free_ports

Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def ports() -> list[int]:
    return free_ports(2)


@pytest.fixture
async def mailbox(tmp_path: Path, ports: list[int]) -> AsyncIterator[Mailbox]:
    box = Mailbox(tmp_path / "mails", *ports)
    await box.start()
    yield box
    await box.stop()


@pytest.fixture
async def ask(mailbox: Mailbox) -> AsyncIterator[Ask]:
    async with ClientSession(mailbox.url) as session:

        async def ask(path: str, method: str = "GET", **options: Any) -> Any:
            async with session.request(method, path, **options) as answer:
                assert answer.status == 200, await answer.text()
                is_json = answer.content_type == "application/json"
                return await (answer.json() if is_json else answer.read())

        yield ask


def invoice_mail(**headers: str) -> EmailMessage:
    mail = EmailMessage(policy=SMTPUTF8)
    values = {
        "From": "Nuvem Clara <billing@nuvem.example>",
        "To": "Ana Lúcia <ana@example.com>",
        "Subject": "Fatura 2026-000001 em aberto: R$ 49,90",
        "Message-ID": "<invoice-1@nuvem.example>",
    }
    for name, value in (values | headers).items():
        mail[name] = value
    mail.set_content("Olá, Ana! A sua fatura está em aberto.")
    mail.add_alternative("<p>Olá, <b>Ana</b>!</p>", subtype="html")
    mail.add_attachment(b"%PDF-1.7", "application", "pdf", filename="fatura nº 1.pdf")
    return mail


async def send(
    mailbox: Mailbox, mail: EmailMessage | bytes, *, to: str = "ana@example.com"
) -> None:
    port = int(mailbox.smtp_url.rpartition(":")[2])
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as smtp:
        raw = mail if isinstance(mail, bytes) else bytes(mail)
        await smtp.sendmail(
            "billing@nuvem.example",
            [to],
            raw,
            mail_options=["SMTPUTF8", "BODY=8BITMIME"],
        )


async def test_a_mail_is_listed_with_its_people_and_a_snippet(
    mailbox: Mailbox, ask: Ask
) -> None:
    await send(mailbox, invoice_mail())
    found = await ask("/api/v1/messages")
    assert (found["total"], found["unread"], found["messages_count"]) == (1, 1, 1)
    [mail] = found["messages"]
    assert mail["From"] == {"Name": "Nuvem Clara", "Address": "billing@nuvem.example"}
    assert mail["To"] == [{"Name": "Ana Lúcia", "Address": "ana@example.com"}]
    assert mail["Subject"] == "Fatura 2026-000001 em aberto: R$ 49,90"
    assert mail["MessageID"] == "invoice-1@nuvem.example"
    assert mail["Snippet"].startswith("Olá, Ana!")
    assert (mail["Attachments"], mail["Read"], mail["Bcc"]) == (1, False, [])


async def test_a_mail_is_shown_with_both_texts_headers_and_files(
    mailbox: Mailbox, ask: Ask
) -> None:
    await send(mailbox, invoice_mail())
    mail = await ask("/api/v1/message/latest")
    assert mail["Text"].strip() == "Olá, Ana! A sua fatura está em aberto."
    assert mail["HTML"].strip() == "<p>Olá, <b>Ana</b>!</p>"
    [file] = mail["Attachments"]
    assert (file["FileName"], file["ContentType"]) == (
        "fatura nº 1.pdf",
        "application/pdf",
    )
    path = f"/api/v1/message/{mail['ID']}"
    assert await ask(f"{path}/part/{file['PartID']}") == b"%PDF-1.7"
    headers = await ask(f"{path}/headers")
    assert headers["Message-Id"] == ["<invoice-1@nuvem.example>"]
    assert (await ask("/api/v1/messages"))["unread"] == 0


async def test_a_recipient_that_is_not_named_is_a_blind_copy(
    mailbox: Mailbox, ask: Ask
) -> None:
    await send(mailbox, invoice_mail(), to="hidden@example.com")
    mail = await ask("/api/v1/message/latest")
    assert mail["Bcc"] == [{"Name": "", "Address": "hidden@example.com"}]


async def test_an_address_outside_ascii_is_accepted(mailbox: Mailbox, ask: Ask) -> None:
    await send(mailbox, invoice_mail(To="joão@exemplo.com"), to="joão@exemplo.com")
    found = await ask("/api/v1/search", params={"query": "to:joão@exemplo.com"})
    assert found["messages_count"] == 1


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("to:ana@example.com", 1),
        ("to:bia@example.com", 0),
        ('subject:"em aberto"', 1),
        ("fatura -to:ana@example.com", 0),
        ("is:unread has:attachment", 1),
        ("is:read", 0),
        ("10:30", 0),
    ],
)
async def test_mails_are_found_by_mailpits_search(
    mailbox: Mailbox, ask: Ask, query: str, count: int
) -> None:
    await send(mailbox, invoice_mail())
    found = await ask("/api/v1/search", params={"query": query})
    assert found["messages_count"] == count


async def test_the_newest_mail_comes_first_and_pages_follow(
    mailbox: Mailbox, ask: Ask
) -> None:
    for number in range(3):
        await send(mailbox, invoice_mail(Subject=f"Mail {number}"))
    page = await ask("/api/v1/messages?start=1&limit=1")
    assert [mail["Subject"] for mail in page["messages"]] == ["Mail 1"]
    assert (page["count"], page["total"], page["start"]) == (1, 3, 1)


async def test_mails_are_deleted_one_by_one_or_all(mailbox: Mailbox, ask: Ask) -> None:
    for _ in range(3):
        await send(mailbox, invoice_mail())
    newest = (await ask("/api/v1/messages"))["messages"][0]["ID"]
    await ask("/api/v1/messages", "DELETE", json={"IDs": [newest]})
    assert (await ask("/api/v1/messages"))["total"] == 2
    await ask("/api/v1/messages", "DELETE")
    assert (await ask("/api/v1/messages"))["total"] == 0


async def test_mails_outlive_a_restart(
    mailbox: Mailbox, ports: list[int], tmp_path: Path
) -> None:
    await send(mailbox, invoice_mail())
    await mailbox.stop()
    again = Mailbox(tmp_path / "mails", *ports)
    await again.start()
    async with ClientSession() as session:
        found = await (await session.get(f"{again.url}/api/v1/messages")).json()
    assert found["messages"][0]["Subject"].startswith("Fatura")
    await again.stop()


async def test_only_the_newest_mails_are_kept(tmp_path: Path) -> None:
    mails = Mails(tmp_path, limit=2)
    mails.load()
    for number in range(3):
        at = datetime(2026, 1, 1, number, tzinfo=UTC)
        await mails.keep(Mail(str(number), at, "a@example.com", [], b""))
    again = Mails(tmp_path, limit=2)
    again.load()
    assert [mail.id for mail in again.newest_first(lambda _: True)] == ["2", "1"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no headers at all",
        b"From: \xff\xfe\r\nSubject: =?utf-8?q?=ff?=\r\nTo: <<>>,;@\r\n\r\nx",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xe1",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\nnever begun",
        b"Message-ID: <\r\nDate: yesterday\r\n\r\n",
        b'Content-Disposition: attachment; filename="a\r\n b"\r\n\r\nx',
    ],
)
async def test_a_malformed_mail_is_kept_and_shown(
    mailbox: Mailbox, ask: Ask, raw: bytes
) -> None:
    await send(mailbox, raw)
    assert (await ask("/api/v1/messages"))["total"] == 1
    mail = await ask("/api/v1/message/latest")
    for part in mail["Attachments"]:
        await ask(f"/api/v1/message/latest/part/{part['PartID']}")
    for view in ("headers", "raw"):
        await ask(f"/api/v1/message/latest/{view}")
    await ask("/view/latest.html")


async def test_a_mails_page_can_run_nothing_and_fetch_nothing(mailbox: Mailbox) -> None:
    await send(mailbox, invoice_mail())
    async with ClientSession(mailbox.url) as session:
        async with session.get("/view/latest.html") as answer:
            policy = answer.headers["Content-Security-Policy"]
        async with session.get("/api/v1/message/latest/part/3") as file:
            assert file.headers["Content-Disposition"].startswith("attachment;")
            assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
