"""HTTP: declared routes, one strict reader, problem documents, idempotent POSTs."""

from aiohttp.web import Response

from chassis.http.app import build_app
from chassis.http.call import Call
from chassis.http.cursors import decode_cursor, encode_cursor
from chassis.http.dispatch import authenticate
from chassis.http.models import Body, Page, PageQuery, Query, View
from chassis.http.openapi import document_of
from chassis.http.policies import customer, public, signed_in, staff
from chassis.http.reader import MAXIMUM_BODY_BYTES, too_large
from chassis.http.routes import Routes
from chassis.http.server import REFUSAL_PAGE, calling_when_gone, serving
from chassis.http.uploads import UploadedFile
from chassis.principal import Principal

__all__ = [
    "MAXIMUM_BODY_BYTES",
    "REFUSAL_PAGE",
    "Body",
    "Call",
    "Page",
    "PageQuery",
    "Principal",
    "Query",
    "Response",
    "Routes",
    "UploadedFile",
    "View",
    "authenticate",
    "build_app",
    "calling_when_gone",
    "customer",
    "decode_cursor",
    "document_of",
    "encode_cursor",
    "public",
    "serving",
    "signed_in",
    "staff",
    "too_large",
]
