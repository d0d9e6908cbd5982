"""Files: checked before they count, sent once, returned byte by byte, then kept."""

import asyncio
import hashlib
import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from chassis.errors import NotFound
from chassis.ids import uuid7
from chassis.jobs import JobRun
from services.tickets.jobs import remove_unsent_attachments
from tests.integration.tickets.stage import PNG, Person, Stage, a_request


async def file_of(person: Person, name: str = "proof.png", content: bytes = PNG) -> str:
    answer = await person.upload(name, content)
    assert answer.status == 201
    return answer.body["id"]


def stored(folder: Path) -> int:
    """Count the files of the blob store, whatever their state."""
    return sum(path.is_file() for path in folder.rglob("*"))


async def test_a_download_is_the_upload_byte_by_byte(stage: Stage) -> None:
    ana = await stage.customer()
    content = PNG + os.urandom(300_000)

    uploaded = await ana.upload("recibo de março.png", content)
    downloaded = await ana.get(f"/attachments/{uploaded.body['id']}")

    assert uploaded.status == 201
    assert uploaded.body["sha256"] == hashlib.sha256(content).hexdigest()
    assert uploaded.body["name"] == "recibo de março.png"
    assert uploaded.body["size"] == len(content)
    assert uploaded.body["media_type"] == "image/png"
    assert downloaded.content == content
    assert downloaded.headers["Content-Disposition"].startswith("attachment;")
    assert downloaded.headers["X-Content-Type-Options"] == "nosniff"
    assert downloaded.headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("proof.png", b""),
        ("proof.png", b"MZ\x90\x00" + bytes(60)),
        ("proof.exe", PNG),
        ("page.html", b"<script>alert(1)</script>"),
        ("proof", PNG),
        ("x" * 150 + ".png", PNG),
    ],
)
async def test_a_refused_file_leaves_nothing_behind(
    stage: Stage, tmp_path: Path, name: str, content: bytes
) -> None:
    ana = await stage.customer()
    refused = await ana.upload(name, content)
    assert (refused.status, refused.fields) == (422, ["file"])
    assert stored(tmp_path) == 0
    async with stage.db.reading() as tx:
        assert await tx.fetchval("SELECT count(*) FROM attachments") == 0


async def test_a_refused_kind_names_the_allowed_ones(stage: Stage) -> None:
    ana = await stage.customer()
    refused = await ana.upload("run.exe", PNG)
    assert "gif, gz, heic, jpeg, jpg" in refused.body["errors"][0]["message"]


async def test_more_than_ten_mebibytes_are_refused(
    stage: Stage, tmp_path: Path
) -> None:
    ana = await stage.customer()
    refused = await ana.upload("big.log", b"x" * (10 * 1024 * 1024 + 1))
    assert refused.status == 413
    assert stored(tmp_path) == 0


async def test_a_json_body_is_not_a_file(stage: Stage) -> None:
    ana = await stage.customer()
    assert (await ana.post("/attachments", {"file": "proof.png"})).status == 415


async def test_an_upload_repeated_with_its_key_is_one_file(
    stage: Stage, tmp_path: Path
) -> None:
    ana = await stage.customer()
    headers = {"Idempotency-Key": "same-file"}
    first = await ana.upload(headers=headers)
    again = await ana.upload(headers=headers)
    assert again.body == first.body
    assert stored(tmp_path) == 1


async def test_a_name_with_folders_loses_them(stage: Stage) -> None:
    ana = await stage.customer()
    uploaded = await ana.upload("../../etc/proof.png")
    assert uploaded.body["name"] == "proof.png"


async def test_a_foreign_file_is_neither_there_to_read_nor_to_send(
    stage: Stage,
) -> None:
    ana, eve = await stage.customer(), await stage.customer(name="Eve")
    file = await file_of(ana)

    assert (await eve.get(f"/attachments/{file}")).status == 404
    stolen = await eve.open_ticket(attachment_ids=[file])
    unknown = await eve.open_ticket(attachment_ids=[str(uuid7())])

    assert (stolen.status, stolen.fields) == (422, ["attachment_ids.0"])
    assert stolen.body["errors"] == unknown.body["errors"]
    assert (await ana.open_ticket(attachment_ids=[file])).status == 201


async def test_a_file_is_sent_once(stage: Stage) -> None:
    ana = await stage.customer()
    file = await file_of(ana)
    request = a_request(attachment_ids=[file])
    answers = await asyncio.gather(*(ana.post("/tickets", request) for _ in range(8)))
    assert sorted(a.status for a in answers) == [201] + [422] * 7
    assert (await ana.get("/tickets", count="true")).body["total"] == 1


async def test_files_are_shown_in_the_order_in_which_they_were_named(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    files = [await file_of(ana, f"page-{n}.png") for n in range(4)]
    wanted = [files[2], files[0], files[3], files[1]]
    opened = await ana.open_ticket(attachment_ids=wanted)
    shown = await ana.get(f"/tickets/{opened.body['id']}")
    assert [f["id"] for f in shown.body["messages"][0]["attachments"]] == wanted


async def test_staff_reads_a_customers_file_and_the_customer_the_staffs(
    stage: Stage,
) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    eve = await stage.customer(name="Eve")
    proof, guide = await file_of(ana), await file_of(bruno, "guide.pdf", b"%PDF-1.7\n")
    opened = await ana.open_ticket(attachment_ids=[proof])
    assert (await ana.get(f"/attachments/{guide}")).status == 404

    await bruno.post(
        f"/staff/tickets/{opened.body['id']}/replies",
        {"message": "See the guide", "attachment_ids": [guide]},
    )

    assert (await bruno.get(f"/attachments/{proof}")).content == PNG
    assert (await ana.get(f"/attachments/{guide}")).content == b"%PDF-1.7\n"
    assert (await eve.get(f"/attachments/{guide}")).status == 404


async def test_staff_can_not_send_a_customers_waiting_file(stage: Stage) -> None:
    ana, bruno = await stage.customer(), await stage.staff()
    waiting = await file_of(ana)
    opened = await ana.open_ticket()
    refused = await bruno.post(
        f"/staff/tickets/{opened.body['id']}/replies",
        {"message": "Yours", "attachment_ids": [waiting]},
    )
    assert (refused.status, refused.fields) == (422, ["attachment_ids.0"])


async def test_without_the_right_to_tickets_no_file_is_read(stage: Stage) -> None:
    ana, nosy = await stage.customer(), await stage.staff("invoices.read")
    file = await file_of(ana)
    assert (await nosy.get(f"/attachments/{file}")).status == 403
    assert (await nosy.upload()).status == 403


async def age(stage: Stage, file: str, by: timedelta) -> None:
    async with stage.db.transaction() as tx:
        await tx.execute(
            "UPDATE attachments SET uploaded_at = uploaded_at - $2::interval "
            "WHERE id = $1",
            UUID(file),
            by,
        )


async def test_what_was_not_sent_within_a_day_is_removed(
    stage: Stage, tmp_path: Path
) -> None:
    ana = await stage.customer()
    old, fresh, sent = [await file_of(ana) for _ in range(3)]
    await ana.open_ticket(attachment_ids=[sent])
    for file in (old, sent):
        await age(stage, file, timedelta(hours=25))

    await remove_unsent_attachments(JobRun(uuid7(), stage.resources))

    assert (await ana.get(f"/attachments/{old}")).status == 404
    with pytest.raises(NotFound):
        await stage.blobs.get(old)
    assert (await ana.get(f"/attachments/{fresh}")).status == 200
    assert (await ana.get(f"/attachments/{sent}")).status == 200
    assert stored(tmp_path) == 2


async def test_an_upload_that_died_half_way_is_invisible_and_removed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await stage.customer()

    async def die(key: str, content: bytes) -> None:
        raise OSError(28, f"no space for the {len(content)} bytes of {key}")

    monkeypatch.setattr(stage.blobs, "put", die)
    assert (await ana.upload()).status == 500
    async with stage.db.reading() as tx:
        file = str(await tx.fetchval("SELECT id FROM attachments"))
    assert (await ana.get(f"/attachments/{file}")).status == 404
    assert (await ana.open_ticket(attachment_ids=[file])).status == 422

    await age(stage, file, timedelta(hours=25))
    await remove_unsent_attachments(JobRun(uuid7(), stage.resources))
    async with stage.db.reading() as tx:
        assert await tx.fetchval("SELECT count(*) FROM attachments") == 0


async def test_the_audit_finds_nothing_until_bytes_are_lost_or_changed(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    lost, changed, cut = [await file_of(ana) for _ in range(3)]
    await ana.open_ticket(attachment_ids=[lost, changed])
    before = await stage.audit()
    assert all(not result.violations for result in before.values())
    assert before["attachments have their bytes"].checked == 3

    await stage.blobs.delete(lost)
    await stage.blobs.put(changed, PNG[::-1])
    await stage.blobs.put(cut, PNG[:-1])

    [*faults] = (await stage.audit())["attachments have their bytes"].violations
    assert len(faults) == 3
    assert any(lost in fault and "missing" in fault for fault in faults)
    assert any(changed in fault and "changed" in fault for fault in faults)
    assert any(cut in fault and "bytes, not" in fault for fault in faults)


async def test_the_audit_notices_a_missing_message_and_a_foreign_file(
    stage: Stage,
) -> None:
    ana, eve = await stage.customer(), await stage.customer(name="Eve")
    opened = await ana.open_ticket(attachment_ids=[await file_of(ana)])
    async with stage.db.transaction() as tx:
        await tx.execute("UPDATE messages SET position = 2")
        await tx.execute("UPDATE attachments SET customer_id = $1", eve.customer_id)
    found = await stage.audit()
    assert found["conversations are whole"].violations == [
        f"the messages of ticket {opened.body['id']} are not whole"
    ]
    assert len(found["attachments stay with their customer"].violations) == 1
