"""Whatever file it is: the page and the API answer for signatures, for the register, or for both."""

from __future__ import annotations

import html
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

import signed_papers as papers
from apps.signing.validating import signed_text as text
from apps.signing.validating.test_detached import DOCUMENT, MAKERS
from apps.signing.validating.test_pages import listed  # noqa: F401 - a fixture
from kouan.apps.signing.models import SignatureReport
from kouan.apps.validation import services
from kouan.apps.validation.domain import DocumentType
from kouan.apps.validation.models import Validation
from kouan.core.text import Localised

pytestmark = pytest.mark.django_db
API = "/api/v1/validations/files"


@pytest.fixture
def university(db):
    name = Localised("Harbour University", "海港大學", "海港大学")
    return services.add_institution(code="harbour-university", name=name)


@pytest.fixture
def bearer(university):
    return {"Authorization": f"Bearer {services.issue_token(institution=university, name='Registry')}"}


@pytest.fixture
def carried(university):
    """A file with a mark on the register and no signature in it."""
    made = services.register(
        institution=university, source=io.BytesIO(papers.plain_pdf()), name="a.pdf", type=DocumentType.OTHER
    )
    with made.carried:
        return made.carried.read()


def upload(data, name="paper"):
    return SimpleUploadedFile(name, data)


def posted(client, data, signature=None, **more):
    beside = {} if signature is None else {"signature": upload(signature, "paper.p7s")}
    return client.post("/validate", {"file": upload(data), **beside, **more})


def page_of(client, response):
    assert response.status_code == 303, html.unescape(response.content.decode())
    return html.unescape(client.get(response.url).content.decode())


# The page


@pytest.mark.parametrize("kind", MAKERS)
def test_a_signature_apart_is_judged_by_the_document_chosen_above_it(client, listed, kind):  # noqa: F811 - the fixture
    made = MAKERS[kind]()
    good = page_of(client, posted(client, DOCUMENT, made))
    assert "The signature is valid" in good
    assert "Recognised on both sides." in good
    assert "Fingerprint of the document that it signs" in good
    assert "The signature is not valid" in page_of(client, posted(client, DOCUMENT + b".", made))
    alone = page_of(client, posted(client, made))
    assert "Validate again with both files" in alone
    assert "Validate again with both files" not in good


def test_the_page_of_a_document_with_a_signature_apart_is_shown(client, listed):  # noqa: F811 - the fixture
    document = papers.plain_pdf()
    response = posted(client, document, papers.signed_cms(content=document, detached=True))
    assert f"{response.url}/page-1" in page_of(client, response)
    assert client.get(f"{response.url}/page-1").content.startswith(b"\x89PNG")


def test_a_document_signed_within_and_apart_is_judged_by_both(client, listed):  # noqa: F811 - the fixture
    signed = papers.signed_pdf()
    page = page_of(client, posted(client, signed, papers.signed_cms(content=signed, detached=True)))
    assert SignatureReport.objects.count() == 2
    assert "The document itself carries signatures as well. The signature is valid." in " ".join(
        page.replace("<strong>", "").replace("</strong>", "").split()
    )
    (within,) = SignatureReport.objects.filter(report__contains='"format":"pdf"')
    assert f'href="/signatures/{within.key}"' in page


def test_a_registered_document_with_a_signature_apart_gets_both_answers(client, listed, carried):  # noqa: F811 - the fixture
    made = papers.signed_cms(content=carried, detached=True)
    page = page_of(client, posted(client, carried, made))
    key = SignatureReport.objects.get().key
    assert "genuine and valid" in page
    assert f'href="/signatures/{key}"' in page
    assert "The signature is valid" in page


@pytest.mark.parametrize("second", [b"no signature", papers.plain_pdf()], ids=["text", "pdf"])
def test_a_second_file_without_a_signature_is_refused_beside_its_field(client, listed, second):  # noqa: F811 - the fixture
    response = posted(client, papers.signed_cms(detached=True), second)
    assert response.status_code == 422
    assert 'href="#id_signature"' in response.content.decode()
    assert not SignatureReport.objects.exists()


def test_a_changed_jws_is_said_to_be_changed_and_a_token_is_none(client, listed):  # noqa: F811 - the fixture
    """What fails shows no certificate; it is a signature all the same."""
    changed = {**json.loads(text.Jws(b"A permit").written()), "payload": text.url(b"A pardon")}
    page = page_of(client, posted(client, json.dumps(changed).encode()))
    assert "The signature is not valid" in page
    token = ".".join((text.url(b'{"alg":"ES256"}'), text.url(b"{}"), "AA"))
    assert posted(client, token.encode()).status_code == 422


# The API


def sent(files, **more):
    headers = more.pop("headers", {})
    return Client().post(f"{API}?wait=0", {"file": files, **more}, headers=headers)


def test_a_program_is_answered_for_the_register_and_for_the_signatures(listed, carried):  # noqa: F811 - the fixture
    (one,) = sent(upload(carried, "a.pdf")).json()["files"]
    assert (one["name"], one["fingerprint"]["outcome"], one["signatures"]) == ("a.pdf", "match", None)
    (one,) = sent(upload(papers.signed_pdf())).json()["files"]
    assert (one["fingerprint"], one["refused"]["code"]) == (None, "no-mark")
    assert (one["signatures"]["verdict"], one["signatures"]["recognised"]) == ("TOTAL-PASSED", True)
    both = papers.signed_pdf(data=carried)
    (one,) = sent(upload(both)).json()["files"]
    assert (one["fingerprint"]["outcome"], one["signatures"]["verdict"]) == ("mismatch", "TOTAL-PASSED")
    made = papers.signed_cms(content=carried, detached=True)
    (one,) = sent(upload(carried), signature=upload(made)).json()["files"]
    assert (one["fingerprint"]["outcome"], one["signatures"]) == ("match", None)
    assert (one["signature_apart"]["verdict"], one["signature_apart"]["recognised"]) == ("TOTAL-PASSED", True)
    assert not SignatureReport.objects.exists()


def test_many_files_are_answered_in_their_order_for_whoever_shows_a_token(listed, carried, bearer):  # noqa: F811 - the fixture
    def files():
        return [upload(papers.sm2_cms(), "0"), upload(carried, "1"), upload(b"?", "2")]

    many = sent(files(), headers=bearer)
    assert (many.status_code, [each["name"] for each in many.json()["files"]]) == (200, ["0", "1", "2"])
    first, second, third = many.json()["files"]
    assert (first["signatures"]["format"], first["signatures"]["recognised"]) == ("cms", True)
    assert second["fingerprint"]["outcome"] == "match"
    assert (third["signatures"], third["refused"]["code"]) == (None, "no-mark")
    for refused in (
        sent(files()),
        sent([upload(b"?")] * 101, headers=bearer),
        sent(files(), signature=upload(papers.signed_cms(detached=True)), headers=bearer),
    ):
        assert (refused.status_code, refused.json()["code"]) == (422, "bad-request")


def test_what_cannot_be_answered_asks_the_register_nothing(listed, carried):  # noqa: F811 - the fixture
    refused = sent(upload(carried), signature=upload(b"none"))
    assert (refused.status_code, refused.json()["code"]) == (422, "no-signature-apart")
    assert sent(upload(b"")).json()["code"] == "empty-file"
    assert Client().post(API, {}).json()["code"] == "no-file"
    assert not Validation.objects.exists()
