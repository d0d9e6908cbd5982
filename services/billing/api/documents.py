"""Printing invoices: a few at once, in threads, with fonts of the printer's own."""

import asyncio
import json
from pathlib import Path
from typing import Final

import typst
from aiohttp import web

from services.billing.api.paper import Sheet, sheet
from services.billing.domain.invoices import Invoice
from services.billing.settings import Settings

_TEMPLATES: Final = Path(__file__).parent.parent / "templates"


class Documents:
    """Makes PDFs; whoever comes when all places are taken waits for one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._places = asyncio.Semaphore(settings.documents_at_once)
        self._fonts = typst.Fonts(include_system_fonts=False)

    async def print_invoice(self, invoice: Invoice, *, language: str) -> bytes:
        """Return an invoice as PDF, in its buyer's language; a draft in this one."""
        printed = sheet(
            invoice,
            seller=self._settings.terms.seller,
            language=invoice.buyer.language if invoice.buyer else language,
            methods=self._settings.payment_terms.methods(invoice.currency),
        )
        async with self._places:
            return await asyncio.to_thread(self._compile, printed)

    def _compile(self, printed: Sheet) -> bytes:
        # The text travels as data: nothing in it can be taken for markup. The template
        # may read files from its own folder only.
        return typst.compile(
            _TEMPLATES / "invoice.typ",
            root=_TEMPLATES,
            font_paths=self._fonts,
            sys_inputs={"data": json.dumps(printed, ensure_ascii=False)},
        )


DOCUMENTS: web.AppKey[Documents] = web.AppKey("documents")
