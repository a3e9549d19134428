"""Documents of every kind, made here."""

from __future__ import annotations

import io

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter


def make_pdf(*, stream_xrefs: bool = False, text: bytes = b"BT ET", encrypt: bool = False) -> bytes:
    writer = PdfFileWriter(stream_xrefs=stream_xrefs)
    if encrypt:
        writer.encrypt(owner_pass="owner", user_pass="")  # noqa: S106 - a document of the tests
    contents = writer.add_object(generic.StreamObject(stream_data=text))
    box = generic.ArrayObject([generic.NumberObject(side) for side in (0, 0, 595, 842)])
    writer.insert_page(PageObject(contents=contents, media_box=box))
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


@pytest.fixture(scope="session")
def pdf() -> bytes:
    return make_pdf()


@pytest.fixture(scope="session")
def pdf_with_xref_stream() -> bytes:
    return make_pdf(stream_xrefs=True)


@pytest.fixture(scope="session")
def encrypted_pdf() -> bytes:
    return make_pdf(encrypt=True)
