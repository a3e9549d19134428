"""Documents of every kind, and a node that knows another side."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

import kouan.demo
from kouan.apps.validation import services
from kouan.apps.validation.domain import DocumentType
from kouan.core.text import Localised
from kouan.core.trust import document as trust_document
from kouan.core.trust import queries as trust_queries
from kouan.core.trust import services as trust_services
from kouan.core.trust.own import load as load_keys
from kouan.core.trust.store import KeyStore

AGREEMENTS = Path(kouan.demo.__file__).parent / "agreements"
NAME = Localised("Harbour University", "海港大學", "海港大学")


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


@pytest.fixture(scope="session")
def peer_document(tmp_path_factory):
    """Return Guangdong's trust document."""
    folder = tmp_path_factory.mktemp("peer") / "keys"
    KeyStore.create(folder, "gd", hosts=["127.0.0.1"])
    return load_keys(folder, side="gd", door_url="https://127.0.0.1:18201").document


@pytest.fixture(scope="session")
def own_keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "keys"
    KeyStore.create(folder, "hk", hosts=["127.0.0.1"])
    return folder


@pytest.fixture
def node(settings, tmp_path, own_keys):
    """This process as Hong Kong's node, with the demonstration's agreement and a run folder of its own."""
    settings.NODE = replace(
        settings.NODE,
        keys=own_keys,
        agreements=AGREEMENTS,
        run=tmp_path / "run",
        blobs_folder=tmp_path / "blobs",
    )
    trust_queries.forget_members()
    yield settings.NODE
    trust_queries.forget_members()


@pytest.fixture
def peer(db, node, peer_document):
    """Guangdong, known to this node."""
    content = trust_document.parse(peer_document)
    trust_services.import_document(
        peer_document, expected_fingerprint=trust_document.fingerprint(content), imported_by="test"
    )
    return "gd"


@pytest.fixture
def university(db, node):
    return services.add_institution(code="harbour-university", name=NAME)


@pytest.fixture
def bank(db, node):
    return services.add_institution(code="bank", name=Localised("A bank", "一間銀行", "一家银行"))


@pytest.fixture
def officer(university):
    user = User.objects.create_user("officer", password="correct horse battery")  # noqa: S106 - an account of the tests
    services.add_officer(institution=university, user=user)
    return user


@pytest.fixture
def token(university):
    return services.issue_token(institution=university, name="registry system")


@pytest.fixture
def issue(university):
    """Register bytes at the university and return the document and the file that its owner carries."""

    def issue(data: bytes = b"a degree", **options):
        options = {"type": DocumentType.ACADEMIC, "name": "degree.bin", **options}
        registered = services.register(institution=university, source=io.BytesIO(data), **options)
        with registered.carried:
            return registered.document, registered.carried.read()

    return issue
