from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from kouan.apps.validation import queries, services
from kouan.apps.validation.crossings import answer_payload, take_fingerprint_answer
from kouan.apps.validation.domain import Algorithm, Outcome, Reference, RevocationReason
from kouan.apps.validation.marks import MAX_CARRIED
from kouan.apps.validation.models import RegisteredDocument, Validation
from kouan.apps.validation.queries import Answer, Issuer
from kouan.core.exchange import Received
from kouan.core.exchange.models import OutboxMessage
from kouan.core.text import Localised

pytestmark = pytest.mark.django_db

API = "/api/v1"
GD = str(Reference.new("gd"))
DIGEST = bytes(range(32))


@pytest.fixture
def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def file(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("degree.pdf", data)


def register(client, bearer, data=b"a degree", **fields):
    fields = {"file": file(data), "type": "academic-qualification", **fields}
    return client.post(f"{API}/documents", fields, headers=bearer)


def problem(response, status: int, code: str) -> dict:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == code
    return response.json()


def ask(client, body: object, **options):
    return client.post(
        f"{API}/validations?wait=0", json.dumps(body), content_type="application/json", **options
    )


def test_a_system_registers_validates_and_revokes(client, bearer, pdf):
    response = register(client, bearer, pdf, expires_on="2099-12-31")
    assert response.status_code == 201
    carried = b"".join(response.streaming_content)
    assert carried.startswith(pdf)
    assert int(response["Content-Length"]) == len(carried)
    reference = response["Kouan-Reference"]
    assert response["Location"] == f"{API}/documents/{reference}"
    assert f'filename="{reference}.pdf"' in response["Content-Disposition"]

    document = client.get(response["Location"], headers=bearer).json()
    assert (document["state"], document["institution"]) == ("valid", "harbour-university")
    assert (document["digest"], document["expires_on"]) == (response["Kouan-Digest"], "2099-12-31")

    answer = client.post(f"{API}/validations", {"file": file(carried)}).json()
    assert (answer["state"], answer["outcome"], answer["crossed"]) == ("answered", "match", False)
    assert answer["issuer"]["name"] == {
        "en": "Harbour University",
        "zh_hant": "海港大學",
        "zh_hans": "海港大学",
    }
    assert answer["evidence"] is None
    problem(client.get(f"{API}/validations/{answer['id']}/evidence"), 409, "nothing-crossed")

    address = f"{API}/documents/{reference}/revocation"
    revoked = client.post(address, {"reason": "fraud"}, content_type="application/json", headers=bearer)
    assert (revoked.json()["state"], revoked.json()["revocation_reason"]) == ("revoked", "fraud")
    again = client.post(address, {"reason": "fraud"}, content_type="application/json", headers=bearer)
    problem(again, 409, "already-revoked")

    asked = {"reference": reference, "algorithm": "sha-256", "digest": document["digest"]}
    answer = ask(client, asked).json()
    assert (answer["outcome"], answer["revoked_on"]) == ("revoked", queries.today().isoformat())
    assert "fraud" not in json.dumps(answer)


def test_a_question_over_the_boundary_is_accepted_and_read_later(client, peer):
    response = ask(client, {"reference": GD, "algorithm": "sha-256", "digest": DIGEST.hex()})
    assert response.status_code == 202
    waiting = response.json()
    assert (waiting["state"], waiting["crossed"], waiting["outcome"]) == ("waiting", True, None)
    address = f"{API}/validations/{waiting['id']}"
    problem(client.get(f"{address}/evidence"), 409, "not-yet-answered")
    item = Validation.objects.get()
    answer = Answer(
        Outcome.MATCH,
        datetime(2026, 3, 1, tzinfo=UTC),
        Issuer("bank", Localised("A bank", "一間銀行", "一家银行")),
        "bank-statement",
        date(2026, 1, 1),
    )
    payload = answer_payload(reference=GD, digest=DIGEST, answer=answer)
    take_fingerprint_answer(Received(uuid.uuid4(), "gd", item.conversation, timezone.now(), payload))
    answered = client.get(address).json()
    assert (answered["state"], answered["outcome"], answered["issued_on"]) == (
        "answered",
        "match",
        "2026-01-01",
    )
    assert answered["evidence"] == f"/validations/{item.pk}/evidence"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_registering_needs_a_token(client, node, headers):
    response = register(client, headers)
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert not RegisteredDocument.objects.exists()


def test_a_bad_token_is_refused_even_where_none_is_needed(client, node):
    response = ask(client, {}, headers={"Authorization": "Bearer wrong"})
    problem(response, 401, "bad-token")


def test_a_token_reads_its_own_institutions_documents_alone(client, issue, bank):
    document, _ = issue()
    other = {"Authorization": f"Bearer {services.issue_token(institution=bank, name='b')}"}
    problem(client.get(f"{API}/documents/{document.reference}", headers=other), 404, "unknown-document")


def test_without_a_token_the_limit_holds_and_with_one_it_does_not(client, issue, bearer):
    document, _ = issue()
    asked = {"reference": document.reference, "algorithm": "sha-256", "digest": DIGEST.hex()}
    for _ in range(30):
        assert ask(client, asked).json()["outcome"] == "mismatch"
    response = ask(client, asked)
    problem(response, 429, "too-many-tries")
    assert int(response["Retry-After"]) <= 60
    assert ask(client, asked, headers=bearer).status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"file": file(b"")}, 422, "empty-file"),
        ({"type": "passport"}, 422, "bad-request"),
        ({"expires_on": "31.12.2099"}, 422, "bad-request"),
        ({"expires_on": "2020-01-01"}, 422, "expiry-in-the-past"),
        ({"as_package": "perhaps"}, 422, "bad-request"),
        ({"file": file(b'{"a": 1, "a": 2}')}, 422, "json-duplicate-member"),
        ({"file": file(b"%PDF-1.4 x")}, 422, "unusable-pdf"),
        ({"file": "text"}, 422, "no-file"),
    ],
)
def test_what_cannot_be_registered_is_a_problem_with_a_code(client, bearer, fields, status, code):
    problem(register(client, bearer, **fields), status, code)


def test_too_large_is_a_problem_that_names_the_limit(client, bearer):
    response = register(client, bearer, bytes(MAX_CARRIED + (80 << 10)))
    assert "50 MB" in problem(response, 413, "upload-too-large")["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"reference": GD, "algorithm": "md5", "digest": DIGEST.hex()},
        {"reference": GD, "algorithm": "sha-256", "digest": "00"},
        {"reference": GD, "algorithm": "sha-256", "digest": DIGEST.hex(), "salt": ""},
        {"reference": "x" * 5000, "algorithm": "sha-256", "digest": DIGEST.hex()},
    ],
)
def test_an_ill_formed_question_is_a_problem(client, node, body):
    problem(ask(client, body), 422, "bad-request")


def test_a_body_that_is_no_json_is_a_problem(client, node):
    response = client.post(f"{API}/validations", b"{", content_type="application/json")
    problem(response, 422, "bad-request")


def test_a_mistyped_reference_is_a_problem(client, node):
    body = {"reference": "GD" + str(Reference.new("hk"))[2:], "algorithm": "sha-256", "digest": DIGEST.hex()}
    problem(ask(client, body), 422, "mistyped-reference")


def test_a_wrong_reason_is_a_problem(client, issue, bearer):
    document, _ = issue()
    response = client.post(
        f"{API}/documents/{document.reference}/revocation",
        {"reason": "because"},
        content_type="application/json",
        headers=bearer,
    )
    problem(response, 422, "invalid-request")
    document.refresh_from_db()
    assert document.revoked_on is None


def test_an_unknown_validation_is_a_problem(client, node):
    problem(client.get(f"{API}/validations/{uuid.uuid4()}"), 404, "unknown-validation")


def test_a_form_of_very_many_fields_is_too_large_and_not_our_fault(client):
    response = client.post("/api/v1/validations", {f"f{number}": "1" for number in range(1100)})
    problem(response, 413, "request-too-large")


def ask_many(client, questions, bearer):
    body = json.dumps({"questions": questions})
    return client.post(f"{API}/validations/batch", body, content_type="application/json", headers=bearer)


def test_many_fingerprints_are_asked_about_at_once(client, peer, issue, bearer):
    (one, _), (two, _) = issue(), issue(algorithm=Algorithm.SM3)
    services.revoke(document=two, reason=RevocationReason.FRAUD)
    asked = [
        {"reference": one.reference, "algorithm": "sha-256", "digest": bytes(one.digest).hex()},
        {"reference": GD, "algorithm": "sm3", "digest": DIGEST.hex()},
        {"reference": two.reference, "algorithm": "sm3", "digest": bytes(two.digest).hex()},
        {"reference": one.reference, "algorithm": "sm3", "digest": bytes(one.digest).hex()},
        {"reference": str(Reference.new("hk")), "algorithm": "sha-256", "digest": DIGEST.hex()},
    ]
    response = ask_many(client, asked, bearer)
    found = response.json()["validations"]
    assert [(item["state"], item["outcome"]) for item in found] == [
        ("answered", "match"),
        ("waiting", None),
        ("answered", "revoked"),
        ("answered", "mismatch"),
        ("answered", "unknown"),
    ]
    assert [item["reference"] for item in found] == [item["reference"] for item in asked]
    for item in found:
        assert client.get(f"{API}/validations/{item['id']}").json() == item
    assert OutboxMessage.objects.get(type="validation.question").conversation == (
        Validation.objects.get(reference=GD).conversation
    )


@pytest.mark.usefixtures("peer")
@pytest.mark.parametrize(
    ("count", "change", "code"),
    [
        (0, {}, "bad-request"),
        (501, {}, "bad-request"),
        (3, {"reference": "HK-1"}, "not-a-reference"),
        (3, {"reference": str(Reference.new("mo"))}, "unknown-side"),
        (3, {"digest": "00"}, "bad-request"),
    ],
)
def test_of_many_questions_all_or_none_are_put(client, bearer, count, change, code):
    good = {"reference": GD, "algorithm": "sha-256", "digest": DIGEST.hex()}
    asked = [good] * (count - 1) + [{**good, **change}] * bool(count)
    problem(ask_many(client, asked, bearer), 422, code)
    assert not Validation.objects.exists()
    assert not OutboxMessage.objects.exists()
    assert ask_many(client, [good], {}).status_code == 401
