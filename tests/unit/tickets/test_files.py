"""Files: known by name and by content, whatever the sender claims."""

import gzip
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tickets.domain.files import (
    KINDS,
    MAXIMUM_SIZE,
    FileRefused,
    accept_file,
    clean_name,
)

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00"
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(16)
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00" + bytes(100)


def a_zip(*names: str, mimetype: str | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if mimetype is not None:
            archive.writestr(zipfile.ZipInfo("mimetype"), mimetype)
        for name in names:
            archive.writestr(name, "content " * 20)
    return buffer.getvalue()


ODF = "application/vnd.oasis.opendocument"
DOCX = a_zip("[Content_Types].xml", "_rels/.rels", "word/document.xml")
XLSX = a_zip("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml")
GOOD = {
    "proof.png": (PNG, "image/png"),
    "proof.JPG": (JPEG, "image/jpeg"),
    "proof.jpeg": (JPEG, "image/jpeg"),
    "move.gif": (GIF, "image/gif"),
    "photo.webp": (WEBP, "image/webp"),
    "phone.heic": (HEIC, "image/heic"),
    "slip.pdf": (PDF, "application/pdf"),
    "words.txt": ("olá\r\nmundo\t\N{EN DASH} é".encode(), "text/plain"),
    "old-words.txt": ("comprovação".encode("cp1252"), "text/plain"),
    "colour.log": (b"\x1b[31merror\x1b[0m\n", "text/plain"),
    "rows.csv": (b"a;b\n1;2\n", "text/csv"),
    "all.zip": (a_zip("a.txt"), "application/zip"),
    "log.gz": (gzip.compress(b"line\n"), "application/gzip"),
    "letter.docx": (DOCX, KINDS["docx"].media_type),
    "sheet.xlsx": (XLSX, KINDS["xlsx"].media_type),
    "letter.odt": (a_zip("content.xml", mimetype=f"{ODF}.text"), f"{ODF}.text"),
    "sheet.ods": (
        a_zip("content.xml", mimetype=f"{ODF}.spreadsheet"),
        f"{ODF}.spreadsheet",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_file_that_is_what_its_name_says_is_accepted(name: str) -> None:
    content, media_type = GOOD[name]
    assert accept_file(name, content) == media_type


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("proof.png", JPEG),
        ("proof.jpg", PNG),
        ("proof.png", PROGRAM),
        ("proof.pdf", b"<html><script>alert(1)</script></html>"),
        ("notes.txt", PROGRAM),
        ("notes.txt", PNG),
        ("rows.csv", b"a;b\x00"),
        ("all.zip", b"not an archive"),
        ("letter.docx", XLSX),
        ("letter.docx", a_zip("a.txt")),
        ("sheet.xlsx", DOCX),
    ],
)
def test_a_file_that_is_something_else_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(FileRefused, match="not what") as refused:
        accept_file(name, content)
    assert refused.value.errors[0].field == "file"
    assert "pdf, png" in refused.value.errors[0].message


@pytest.mark.parametrize(
    "name", ["run.exe", "page.html", "drawing.svg", "slip.pdf.js", "png", "file."]
)
def test_a_forbidden_kind_is_refused_with_the_allowed_ones(name: str) -> None:
    with pytest.raises(FileRefused, match="must be one of csv, docx, gif"):
        accept_file(name, PNG)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(FileRefused, match="empty"):
        accept_file("words.txt", b"")


def test_a_file_of_ten_mebibytes_is_the_largest() -> None:
    assert accept_file("words.txt", b"a" * MAXIMUM_SIZE) == "text/plain"
    with pytest.raises(FileRefused, match="10 MiB"):
        accept_file("words.txt", b"a" * (MAXIMUM_SIZE + 1))


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("slip.pdf", "slip.pdf"),
        ("../../etc/slip.pdf", "slip.pdf"),
        ("C:\\Users\\Ana\\slip.pdf", "slip.pdf"),
        ("sl\x00ip\r\n.pdf", "slip.pdf"),
        ("slip\u202efdp.pdf", "slipfdp.pdf"),
        ("  comprovação 1.pdf ", "comprovação 1.pdf"),
    ],
)
def test_a_name_loses_folders_and_invisible_characters(
    given_name: str, kept: str
) -> None:
    assert clean_name(given_name) == kept


@pytest.mark.parametrize("name", ["", "..", "folder/", "\x00", " "])
def test_a_file_needs_a_name(name: str) -> None:
    with pytest.raises(FileRefused, match="needs a name"):
        clean_name(name)


def test_a_name_has_at_most_150_characters() -> None:
    assert len(clean_name("a" * 146 + ".pdf")) == 150
    with pytest.raises(FileRefused, match="at most 150"):
        clean_name("a" * 147 + ".pdf")


@given(st.text(max_size=200), st.binary(max_size=200))
def test_whatever_is_sent_is_accepted_or_refused(name: str, content: bytes) -> None:
    try:
        cleaned = clean_name(name)
        media_type = accept_file(cleaned, content)
    except FileRefused:
        return
    assert "/" not in cleaned
    assert media_type in {kind.media_type for kind in KINDS.values()}
