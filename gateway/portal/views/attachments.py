"""Files of messages: taken in with a form, kept while it is refused, downloaded."""

import asyncio
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar
from urllib.parse import unquote
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from chassis.client import UpstreamAway
from chassis.http import UploadedFile
from chassis.http.policies import customer, staff
from contracts.api.tickets import AttachmentView
from gateway.portal.forms import KEPT_FIELD, Form, SentFile
from gateway.portal.languages import gettext
from gateway.portal.pages import Pages
from gateway.portal.reading import MAXIMUM_FILES
from gateway.portal.refusals import explain_fields, explain_problem
from gateway.portal.visit import Visit
from gateway.services import Refused

M = TypeVar("M", bound=BaseModel)

#: Where files are chosen.
FILES_FIELD = "files"
_SIZE = re.compile(r"[0-9]{1,9}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

pages = Pages()


@pages.get(
    "/attachments/{attachment_id}", policy=customer("tickets") | staff("tickets.read")
)
async def download(visit: Visit, attachment_id: UUID) -> web.StreamResponse:
    return await visit.api.download(f"/attachments/{attachment_id}", visit.request)


async def take_file(visit: Visit, file: UploadedFile, form_key: str) -> SentFile:
    """Hand a file on to tickets, which may refuse it; the same one again is the same.

    Otherwise a form that is sent twice would name other files the second time.
    """
    key = await asyncio.to_thread(_key_of, file, form_key)
    try:
        taken = await visit.api.upload("/attachments", AttachmentView, file, key=key)
    except Refused as refusal:
        return SentFile(file.name, fault=_reason(refusal))
    except UpstreamAway:
        fault = gettext("couldn't be taken right now; please choose it again")
        return SentFile(file.name, fault=fault)
    return SentFile(taken.name, taken.size, taken.id)


async def send_message(
    visit: Visit, path: str, model: type[M], body: Mapping[str, object]
) -> M | None:
    """Send what was typed with its files; None means refused, and the form knows why.

    With a file that was refused nothing is sent: the others wait in the form.
    """
    form = visit.form
    files = files_of(form)
    refuse_files(form)
    if form.is_refused:
        return None
    whole = {**body, "attachment_ids": [str(file.id) for file in files]}
    sent = await form.send(visit.api.post(path, model, whole, key=form.key))
    if sent is None:
        _name_lost_files(form, files)
    return sent


def files_of(form: Form) -> list[SentFile]:
    """Return the files that are to be sent: those kept from before, and new ones."""
    found = [*_kept(form), *(file for file in form.files if file.id is not None)]
    return list({file.id: file for file in found}.values())


def refuse_files(form: Form) -> None:
    """Say of each file that wasn't taken, and of too many, that they can't be sent."""
    for file in form.files:
        if file.fault:
            form.refuse(f"{file.name}: {file.fault}", field=FILES_FIELD)
    if len(files_of(form)) > MAXIMUM_FILES:
        fault = gettext("Up to %(limit)s files go with a message; please untick some.")
        form.refuse(fault % {"limit": MAXIMUM_FILES}, field=FILES_FIELD)


def _kept(form: Form) -> Iterator[SentFile]:
    for value in form.all(KEPT_FIELD):
        id_, _, rest = value.partition("/")
        size, _, name = rest.partition("/")
        if _SIZE.fullmatch(size) and _ID.fullmatch(id_):
            yield SentFile(unquote(name), int(size), UUID(id_))


def _name_lost_files(form: Form, files: list[SentFile]) -> None:
    """Say of files by name what the refusal says of their places in a list."""
    for index, file in enumerate(files):
        if form.errors.pop(f"attachment_ids.{index}", None):
            fault = gettext("can't be sent any more; untick it and choose it again")
            form.refuse(f"{file.name}: {fault}", field=FILES_FIELD)


def _reason(refusal: Refused) -> str:
    """Return why a file was refused, to stand after its name."""
    told = [message for _, message in explain_fields(refusal.problem)]
    reason = "; ".join(told) or explain_problem(refusal.problem)
    return reason[:1].lower() + reason[1:]


def _key_of(file: UploadedFile, form_key: str) -> str:
    digest = hashlib.sha256(file.content)
    digest.update(repr((form_key, file.name, file.media_type)).encode())
    return digest.hexdigest()
