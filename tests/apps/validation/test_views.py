from __future__ import annotations

import io
import re
import uuid
from datetime import UTC, date, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from kouan.apps.validation import services, store, waiting
from kouan.apps.validation.crossings import answer_payload, note_undelivered_question, take_fingerprint_answer
from kouan.apps.validation.domain import Outcome, Reference, RevocationReason
from kouan.apps.validation.marks import MAX_CARRIED
from kouan.apps.validation.models import RegisteredDocument, Validation
from kouan.apps.validation.queries import Answer, Issuer
from kouan.core.exchange import Received, Undelivered
from kouan.core.exchange.models import Batch, OutboxMessage
from kouan.core.text import Localised

pytestmark = pytest.mark.django_db

REFERENCE = str(Reference.new("gd"))
DIGEST = bytes(range(32))
MATCH = Answer(
    Outcome.MATCH,
    datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC),
    Issuer("pearl-river-bank", Localised("Pearl River Bank", "珠江銀行", "珠江银行")),
    "bank-statement",
    date(2026, 1, 1),
)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Nothing answers in these tests, so nothing is waited for."""
    monkeypatch.setattr(waiting, "LONGEST", 0.0)
    monkeypatch.setattr(waiting.wait_for_answer, "__defaults__", (0.0,))
    monkeypatch.setattr(waiting.evidence, "__defaults__", (0.0,))


@pytest.fixture
def signed_in(client, officer):
    client.force_login(officer)
    return client


def upload(data: bytes, name: str = "file.bin") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def ask(client, data: bytes, **fields):
    return client.post(reverse("validation:start"), {"file": upload(data), **fields})


def register(client, data: bytes = b"a degree", **fields):
    fields = {"type": "academic-qualification", "file": upload(data, "degree.pdf"), **fields}
    return client.post(reverse("validation:register"), fields)


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
def test_everybody_may_ask(client, node, language):
    response = client.get(reverse("validation:start"), headers={"Accept-Language": language})
    assert response.status_code == 200
    assert 'enctype="multipart/form-data"' in text(response)


def test_a_file_of_this_side_is_answered_on_the_next_page(client, issue):
    document, carried = issue()
    response = ask(client, carried)
    assert response.status_code == 303
    page = client.get(response["Location"])
    assert "The document is genuine and valid" in text(page)
    assert "Harbour University" in text(page)
    assert document.reference in text(page)
    assert "answered from its own register" in text(page)
    assert "no-store" in page["Cache-Control"]
    evidence = client.get(response["Location"] + "/evidence.bundle")
    assert evidence.status_code == 409


def changed(carried, document):
    return carried + b" "


def revoked(carried, document):
    services.revoke(document=document, reason=RevocationReason.FRAUD)
    return carried


def forgotten(carried, document):
    document.delete()
    return carried


def expired(carried, document):
    RegisteredDocument.objects.update(expires_on=date(2020, 1, 1))
    return carried


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (changed, "is not what was issued"),
        (revoked, "was revoked by its issuer"),
        (forgotten, "No such document is registered"),
        (expired, "genuine, but has expired"),
    ],
)
def test_each_answer_is_said_in_words(client, issue, make, said):
    document, carried = issue()
    response = ask(client, make(carried, document))
    assert said in text(client.get(response["Location"]))


def test_a_pdf_saved_again_by_another_program_is_explained(client, issue, pdf):
    _, carried = issue(pdf)
    output = io.BytesIO()
    copy_into_new_writer(PdfFileReader(io.BytesIO(carried))).write(output)
    response = ask(client, output.getvalue())
    if response.status_code == 303:  # the other program kept the mark
        assert "saved again by another program" in text(client.get(response["Location"]))
    else:
        assert response.status_code == 422
        assert "saved again by another program" in text(response)


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"", 422, "empty (0 bytes)"),
        (b"no mark", 422, "carries neither"),
        (b'{"a": 1, "a": 2}', 422, "was changed or damaged"),
        ('{"a": "e\u0301"}'.encode(), 422, "was changed or damaged"),
        (b'{"a": 1', 422, "was changed or damaged"),
        (b'{"kouan": {"reference": "HK-1"}}', 422, "was changed or damaged"),
    ],
)
def test_bad_files_are_refused_beside_the_field(client, node, data, status, said):
    response = ask(client, data)
    assert response.status_code == status
    assert said in text(response).replace("&#34;", '"')
    assert 'href="#id_file"' in text(response)
    assert not Validation.objects.exists()


@pytest.mark.parametrize("kind", [b"a degree", b'{"degree": 1}'])
def test_a_file_whose_mark_was_damaged_is_said_to_be_damaged(client, issue, kind):
    document, carried = issue(kind)
    response = ask(client, carried.replace(document.reference.encode(), b"HK-0000-0000"))
    assert response.status_code == 422
    assert "changed or damaged. Ask its owner" in text(response)
    assert not Validation.objects.exists()


def test_no_file_at_all_is_refused(client, node):
    response = client.post(reverse("validation:start"), {"reference": ""})
    assert response.status_code == 422
    assert "Choose the file first" in text(response)


def test_a_wrong_reference_is_refused_beside_its_field(client, node):
    response = ask(client, b"no mark", reference="HK-1")
    assert response.status_code == 422
    assert 'href="#id_reference"' in text(response)
    assert 'value="HK-1"' in text(response)


def test_a_file_above_the_limit_is_refused(client, node):
    response = ask(client, bytes(MAX_CARRIED + (80 << 10)))
    assert response.status_code == 413
    assert "50 MB" in text(response)


def test_a_file_just_above_the_limit_is_refused_while_it_is_read(client, node):
    response = ask(client, bytes(MAX_CARRIED + 1))
    assert response.status_code == 413
    assert "50 MB" in text(response)


def test_the_form_is_protected_against_other_sites(node, issue):
    _, carried = issue()
    response = ask(Client(enforce_csrf_checks=True), carried)
    assert response.status_code == 403


def test_thirty_a_minute_for_an_address(client, issue):
    _, carried = issue()
    for _ in range(30):
        assert ask(client, carried).status_code == 303
    response = ask(client, carried)
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60
    response = client.post(reverse("validation:start"), {"file": upload(carried)}, REMOTE_ADDR="192.0.2.7")
    assert response.status_code == 303


def test_a_question_over_the_boundary_is_followed_until_its_answer(client, peer):
    item = services.ask(reference=Reference.parse(REFERENCE), digest=DIGEST)
    address = reverse("validation:result", args=[item.pk])
    page = text(client.get(address))
    assert "Waiting for the answer" in page
    assert 'http-equiv="refresh"' in page
    assert "up to 24 hours" in page
    assert "What will cross" in page
    assert "What crossed" not in page
    assert "00010203 04050607" in page
    part = client.get(address, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in text(part)
    payload = answer_payload(reference=REFERENCE, digest=DIGEST, answer=MATCH)
    take_fingerprint_answer(Received(uuid.uuid4(), "gd", item.conversation, timezone.now(), payload))
    part = client.get(address, headers={"HX-Request": "true"})
    assert part.status_code == 286
    page = text(client.get(address))
    assert "genuine and valid" in page
    assert "Pearl River Bank" in page
    assert "This is all the content that crossed. Around it goes a sealed envelope" in page
    assert page.count("Registered on") == page.count("1 January 2026") == 2
    assert page.count("1 March 2026, 20:00:00 (UTC+8)") == 2
    assert ">--trust</code>" in page
    assert 'http-equiv="refresh"' not in page
    assert f"{address}/evidence.bundle" in page
    assert client.get(f"{address}/evidence.bundle").status_code == 409


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("expired-before-sending", "could not be delivered in time"),
        ("cancelled", "was withdrawn here before it left"),
    ],
)
def test_a_question_that_never_left_says_that_nothing_crossed(client, peer, code, said):
    item = services.ask(reference=Reference.parse(REFERENCE), digest=DIGEST)
    note_undelivered_question(Undelivered(uuid.uuid4(), "gd", item.conversation, code))
    page = text(client.get(reverse("validation:result", args=[item.pk])))
    assert "No answer" in page
    assert said in page
    assert code in page
    assert "Nothing has crossed" in page
    assert "What crossed" not in page
    assert "refused" not in page
    assert page.count("kouan-timeline__step--done") == 1


def test_a_question_that_the_other_side_refused_says_so(client, peer):
    item = services.ask(reference=Reference.parse(REFERENCE), digest=DIGEST)
    now = timezone.now()
    batch = Batch.objects.create(
        peer="gd",
        first=1,
        count=1,
        root=b"",
        statement=b"",
        statement_digest=DIGEST,
        leaves=b"",
        wire_bytes=0,
        sealed_at=now,
        receipted_at=now,
    )
    OutboxMessage.objects.update(state="refused", code="no-agreement", batch=batch)
    note_undelivered_question(Undelivered(uuid.uuid4(), "gd", item.conversation, "no-agreement"))
    page = text(client.get(reverse("validation:result", args=[item.pk])))
    assert "refused the question" in page
    assert "tell the operator of this node" in page
    assert "What crossed" in page
    assert page.count("kouan-timeline__step--done") == 3


def test_another_sides_file_is_asked_about(client, peer):
    reference = Reference.new("gd")
    response = ask(client, b"no mark", reference=str(reference))
    assert response.status_code == 303
    assert "Guangdong" in text(client.get(response["Location"]))


def test_a_side_without_connection_is_named(client, peer):
    response = ask(client, b"no mark", reference=str(Reference.new("mo")))
    assert response.status_code == 422
    assert "MO" in text(response)


def test_a_guessed_address_shows_nothing(client, node):
    assert client.get(reverse("validation:result", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize("name", ["documents", "register"])
def test_issuers_pages_ask_to_sign_in(client, node, name, django_user_model):
    assert client.get(reverse(f"validation:{name}")).status_code == 302
    client.force_login(django_user_model.objects.create_user("somebody"))
    assert client.get(reverse(f"validation:{name}")).status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
def test_an_officer_registers_a_document_and_downloads_the_carried_file(signed_in, client, language, pdf):
    headers = {"Accept-Language": language}
    assert signed_in.get(reverse("validation:register"), headers=headers).status_code == 200
    response = register(signed_in, pdf, expires_on="2099-12-31")
    assert response.status_code == 303
    document = RegisteredDocument.objects.get()
    cookie = response.cookies["kouan_hk_carried"]
    assert cookie["httponly"]
    assert cookie["path"] == response["Location"]
    page = signed_in.get(response["Location"], headers=headers)
    assert f"{document.reference}.pdf" in text(page)
    address = reverse("validation:carried", args=[document.reference])
    for _ in range(2):
        download = signed_in.get(address)
        carried = b"".join(download.streaming_content)
        assert int(download["Content-Length"]) == len(carried)
        assert carried.startswith(pdf)
    result = ask(client, carried)
    assert Validation.objects.get(pk=result["Location"].rsplit("/", 1)[1]).outcome == "match"
    assert signed_in.post(address).status_code == 303
    assert not store.holds(document.reference)
    assert signed_in.get(address).status_code == 410
    assert signed_in.get(response["Location"]).status_code == 200


def test_the_carried_file_is_for_the_registering_browser_alone(signed_in, officer):
    reference = register(signed_in)["Location"].rsplit("/", 1)[1]
    other = Client()
    other.force_login(officer)
    address = reverse("validation:carried", args=[reference])
    assert other.get(address).status_code == 410
    other.cookies["kouan_hk_carried"] = "00" * 32
    assert other.get(address).status_code == 410
    other.cookies["kouan_hk_carried"] = "zz"
    assert other.get(address).status_code == 410
    response = signed_in.get(address)
    assert response.status_code == 200
    response.close()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"file": upload(b"")}, "empty (0 bytes)"),
        ({"expires_on": "tomorrow"}, "Enter a date such as"),
        ({"expires_on": "2020-01-01"}, "today or later"),
        ({"type": "passport"}, "passport"),
        ({"type": ""}, "Choose the kind of document"),
        ({"file": upload(b'{"a": 1, "a": 2}')}, "$.a stands twice"),
        ({"file": upload(b'{"a": 1')}, "Correct it, or carry the file as a package"),
        ({"file": upload(b"%PDF-1.7 damaged")}, "structure is damaged"),
        ({"file": upload(b'{"kouan": 1}')}, "the place of the mark"),
    ],
)
def test_what_cannot_be_registered_is_refused_with_a_reason(signed_in, fields, said):
    response = register(signed_in, **fields)
    assert response.status_code in (409, 422)
    assert said in text(response)
    assert not RegisteredDocument.objects.exists()


def test_an_encrypted_pdf_goes_as_a_package(signed_in, encrypted_pdf):
    response = register(signed_in, encrypted_pdf)
    assert response.status_code == 422
    assert "Carry it as a package" in text(response)
    assert register(signed_in, encrypted_pdf, options="package").status_code == 303


def test_an_officer_of_two_institutions_chooses(signed_in, officer, bank):
    services.add_officer(institution=bank, user=officer)
    assert "A bank" in text(signed_in.get(reverse("validation:register")))
    assert register(signed_in).status_code == 422
    assert register(signed_in, institution="bank").status_code == 303
    assert RegisteredDocument.objects.get().institution == bank


def test_the_register_is_listed_searched_and_paged(signed_in, issue):
    documents = [issue()[0] for _ in range(27)]
    address = reverse("validation:documents")
    page = text(signed_in.get(address))
    assert documents[-1].reference in page
    assert documents[0].reference not in page
    assert documents[0].reference in text(signed_in.get(address, {"page": 2}))
    found = text(signed_in.get(address, {"q": documents[3].reference.lower(), "state": "valid"}))
    assert documents[3].reference in found
    assert documents[4].reference not in found
    assert "No document fits" in text(signed_in.get(address, {"state": "revoked"}))


def test_an_empty_register_says_what_to_do(signed_in):
    assert "No document is registered yet" in text(signed_in.get(reverse("validation:documents")))


def test_a_document_is_revoked_after_a_confirmation(signed_in, issue):
    document, _ = issue()
    address = reverse("validation:revoke", args=[document.reference])
    assert "cannot be undone" in text(signed_in.get(address))
    assert "Choose the reason" in text(signed_in.post(address))
    assert signed_in.post(address, {"reason": "superseded"}).status_code == 303
    document.refresh_from_db()
    assert document.revocation_reason == "superseded"
    assert document.revoked_by.username == "officer"
    page = text(signed_in.get(reverse("validation:document", args=[document.reference])))
    assert "Replaced by a newer document" in page
    assert "Registered on" in page
    assert "Revoke this document" not in page
    assert signed_in.get(address).status_code == 303


def test_a_revoked_document_is_no_longer_offered_to_be_handed_out(signed_in):
    address = register(signed_in)["Location"]
    assert "give it to its owner" in text(signed_in.get(address))
    services.revoke(document=RegisteredDocument.objects.get(), reason=RevocationReason.FRAUD)
    assert "give it to its owner" not in text(signed_in.get(address))


def test_no_kind_of_document_is_chosen_beforehand(signed_in):
    page = text(signed_in.get(reverse("validation:register")))
    assert re.search(r'<option value="" selected>\s*Choose…', page)


def test_another_institutions_document_is_not_found(signed_in, bank):
    registered = services.register(institution=bank, source=io.BytesIO(b"x"), name="x", type="other")
    registered.carried.close()
    for name in ("document", "revoke", "carried"):
        address = reverse(f"validation:{name}", args=[registered.document.reference])
        assert signed_in.get(address).status_code == 404


def test_home_and_navigation_offer_what_a_person_may_do(client, node, officer):
    page = text(client.get("/"))
    assert reverse("validation:start") in page
    assert reverse("validation:documents") not in page
    client.force_login(officer)
    assert reverse("validation:documents") in text(client.get("/"))
