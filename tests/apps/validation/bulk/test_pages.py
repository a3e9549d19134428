from __future__ import annotations

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import translation

from kouan.apps.validation import services
from kouan.apps.validation.bulk import work
from kouan.apps.validation.domain import Reference
from kouan.apps.validation.models import BulkJob, RegisteredDocument

pytestmark = pytest.mark.django_db

API = "/api/v1/bulk"
HEAD = "reference,type,fingerprint\n"


def rows(count: int) -> str:
    return "".join(f"{Reference.new('hk')},bank-statement,{'ab' * 32}\n" for _ in range(count))


@pytest.fixture
def signed_in(client, officer):
    client.force_login(officer)
    return client


@pytest.fixture
def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def send(client, text: str, kind: str = "register", **fields):
    file = SimpleUploadedFile("documents.csv", text.encode())
    return client.post(reverse("validation:bulk"), {"file": file, "kind": kind, **fields})


def finish() -> None:
    while work.step():
        pass


def test_a_file_is_sent_and_its_page_shows_how_far_it_is(signed_in):
    assert "Many documents at once" in signed_in.get(reverse("validation:bulk")).content.decode()
    response = send(signed_in, HEAD + rows(3))
    assert response.status_code == 303
    page = signed_in.get(response["Location"]).content.decode()
    assert '<progress id="progress" max="100" value="' in page
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    part = signed_in.get(response["Location"], headers={"HX-Request": "true"})
    assert (part.status_code, b"<html" in part.content) == (200, False)
    finish()
    assert signed_in.get(response["Location"], headers={"HX-Request": "true"}).status_code == 286
    page = signed_in.get(response["Location"]).content.decode()
    assert "<progress" not in page
    assert "refresh" not in page
    assert "Done" in signed_in.get(reverse("validation:bulk")).content.decode()
    assert RegisteredDocument.objects.count() == 3


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "A document reference" if False else "looks like HK-"),
        ("zh-hant", "HK-7Q3F"),
        ("zh-hans", "HK-7Q3F"),
    ],
)
def test_bad_rows_are_told_in_the_readers_language(signed_in, language, says):
    response = send(signed_in, HEAD + "x,bank-statement,y\n")
    finish()
    headers = {"Accept-Language": language}
    page = signed_in.get(response["Location"], headers=headers).content.decode()
    assert says in page
    table = signed_in.get(response["Location"] + "/problems.csv", headers=headers)
    body = b"".join(table.streaming_content).decode("utf-8-sig")
    assert body.splitlines()[1].startswith("2,reference,")
    with translation.override(language):
        assert translation.gettext("What to do") in body.splitlines()[0]


def test_what_is_wrong_with_a_file_is_told_on_the_form(signed_in):
    for text, says in [
        ("", "empty"),
        ("reference,type\n", "fingerprint"),
        ("reference,type,content,x\n", "“x”"),
    ]:
        response = send(signed_in, text)
        assert response.status_code == 422
        assert says in response.content.decode()
    assert send(signed_in, HEAD, kind="steal").status_code == 422
    assert signed_in.post(reverse("validation:bulk"), {"kind": "register"}).status_code == 422
    assert not BulkJob.objects.exists()


def test_only_officers_send_files_and_see_their_own(client, signed_in, django_user_model, bank):
    where = send(signed_in, HEAD + rows(1))["Location"]
    client.logout()
    assert client.get(where).status_code == 302
    other = django_user_model.objects.create_user("other")
    client.force_login(other)
    assert client.get(where).status_code == 403
    assert send(client, HEAD).status_code == 403
    services.add_officer(institution=bank, user=other)
    client.force_login(django_user_model.objects.get(pk=other.pk))
    assert client.get(where).status_code == 404
    assert client.get(where + "/problems.csv").status_code == 404


@pytest.mark.parametrize("form", [True, False])
def test_a_system_sends_a_file(client, bearer, form):
    text = HEAD + rows(2) + "x,y,z\n"
    if form:
        body = {"file": SimpleUploadedFile("d.csv", text.encode())}
        response = client.post(f"{API}/registrations?take_good=true", body, headers=bearer)
    else:
        response = client.post(
            f"{API}/registrations?take_good=true", text, content_type="text/csv", headers=bearer
        )
    assert (response.status_code, response.json()["state"]) == (202, "taking")
    where = response["Location"]
    finish()
    job = client.get(where, headers=bearer).json()
    assert (job["state"], job["good"], job["bad"], job["percent"]) == ("done", 2, 1, 100)
    found = client.get(f"{where}/problems", headers=bearer).json()
    assert found["count"] == 1
    assert (found["problems"][0]["line"], found["problems"][0]["code"]) == (4, "not-a-reference")


def test_a_system_takes_documents_back(client, bearer, issue):
    document, _ = issue()
    text = f"reference,reason\n{document.reference},superseded\n"
    response = client.post(f"{API}/revocations", text, content_type="text/csv", headers=bearer)
    assert (response.status_code, response.json()["state"]) == (202, "checking")
    finish()
    assert client.get(response["Location"], headers=bearer).json()["good"] == 1
    document.refresh_from_db()
    assert document.revoked_with.institution == document.institution


def test_without_a_token_or_with_anothers_nothing_is_told(client, bearer, bank):
    assert client.post(f"{API}/registrations", HEAD, content_type="text/csv").status_code == 401
    key = client.post(f"{API}/registrations", HEAD, content_type="text/csv", headers=bearer).json()["id"]
    assert client.get(f"{API}/{key}").status_code == 401
    other = {"Authorization": f"Bearer {services.issue_token(institution=bank, name='x')}"}
    assert client.get(f"{API}/{key}", headers=other).status_code == 404
    assert client.get(f"{API}/{key}/problems", headers=other).status_code == 404
    assert client.get(f"{API}/{uuid.uuid4()}", headers=bearer).status_code == 404
