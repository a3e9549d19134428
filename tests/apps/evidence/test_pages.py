"""The pages: a person's own, the officers', and those for anybody."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils import timezone
from joserfc.jwk import ECKey

from apps.dataflow.pages.conftest import browser_of, person_signed_in
from apps.evidence.conftest import IDENTITY, NUMBER
from kouan.apps.evidence import keys, records
from kouan.apps.evidence.domain import Change
from kouan.apps.evidence.models import Credential, EvidenceRecord, Showing
from kouan.apps.evidence.sdjwt import reading, signing, status
from kouan.apps.evidence.views import mine
from kouan.apps.identity.domain import Level
from kouan.apps.staff import services as staff
from kouan.core.credentials import broker
from kouan.core.text import Localised
from kouan.web.access import grant_role

DEPARTMENT = Localised("Immigration", "入境處", "入境处")


@pytest.fixture
def me(node):
    return browser_of(person_signed_in())


@pytest.fixture
def officer(node):
    """An officer of one department, or of the whole side."""

    def make(department=None, role="evidence"):
        user = User.objects.create_user(f"officer-{uuid.uuid4().hex[:6]}")
        if department is None:
            grant_role(user=user, role=role)
        else:
            made = staff.add_department(code=department, name=DEPARTMENT)
            staff.grant_post(user=user, department=made, role=role, by="tests")
        client = Client()
        client.force_login(user)
        return client

    return make


def text_of(response):
    return response.content.decode()


# A person's own


def test_a_stranger_signs_in_first(client, put):
    row = put()
    for path in ("", "shown/", f"{row.key}/"):
        assert "/identity/enter?next=" in client.get(f"/my-evidence/{path}")["Location"]
    assert client.post(f"/my-evidence/{row.key}/take").status_code == 403
    assert not Credential.objects.exists()


def test_my_evidence(me, put):
    put()
    put(document_number="B123456(6)", claims=IDENTITY | {"name": "LEE Somebody Else"})
    page = me.get("/my-evidence/")
    assert "no-cache" in page["Cache-Control"]
    assert "陳小明" in text_of(page)
    assert "Immigration Department" in text_of(page)
    assert "Somebody Else" not in text_of(page)


def test_nothing_yet(me):
    assert "No department holds evidence of you here" in text_of(me.get("/my-evidence/"))
    assert "Nothing was shown yet" in text_of(me.get("/my-evidence/shown/"))


def test_who_signed_in_less_surely_sees_less(put, node):
    put(
        type="hk.property",
        claims={"reference": "A", "property": "1 Road", "owner": "CHAN", "charges": "none"},
    )
    mine = EvidenceRecord.objects.get()
    low = browser_of(person_signed_in(Level.LOW))
    page = text_of(low.get("/my-evidence/"))
    assert "1 Road" not in page
    assert "Sign in more surely" in page
    refused = low.get(f"/my-evidence/{mine.key}/")
    assert refused.status_code == 403
    assert "level 3" in text_of(refused)
    assert "1 Road" not in text_of(refused)


def test_another_persons_piece_is_not_there(me, put):
    row = put(document_number="B123456(6)")
    assert me.get(f"/my-evidence/{row.key}/").status_code == 404
    assert me.post(f"/my-evidence/{row.key}/take").status_code == 404


def test_taking_a_copy_out(me, put):
    row = put()
    taken = me.post(f"/my-evidence/{row.key}/take", {"as": "file"})
    assert taken["Content-Type"] == "application/dc+sd-jwt"
    assert "attachment" in taken["Content-Disposition"]
    parts = reading.split(text_of(taken))
    said = signing.verified(parts.token, keys.current().jwk, types=("dc+sd-jwt",))
    assert reading.disclosed(said, parts.disclosures)["name"] == "CHAN Siu Ming"
    assert "cnf" not in said
    (row,) = Showing.objects.all()
    assert (row.to, sorted(row.claims)) == ("", sorted(IDENTITY))
    assert "taken out by you" in text_of(me.get("/my-evidence/shown/"))


def test_copies_are_taken_so_often_an_hour(me, put):
    row = put()
    for _copy in range(30):
        assert me.post(f"/my-evidence/{uuid.uuid4()}/take").status_code == 404
    assert me.post(f"/my-evidence/{row.key}/take", {"as": "file"}).status_code == 429
    assert not Showing.objects.exists()


def test_a_copy_on_the_screen(me, put):
    shown = text_of(me.post(f"/my-evidence/{put().key}/take", {"as": "code"}))
    assert "<svg" in shown
    assert "eyJ" in shown


def test_a_copy_bound_to_a_key(me, put):
    row = put()
    key = ECKey.generate_key("P-256")
    taken = me.post(f"/my-evidence/{row.key}/take", {"jwk": json.dumps(key.as_dict(private=False))})
    said = signing.payload_of(reading.split(text_of(taken)).token)
    assert said["cnf"]["jwk"]["x"] == key.as_dict(private=False)["x"]


@pytest.mark.parametrize("what", ["private", "rsa", "text", "list", "deep"])
def test_a_key_that_is_none(me, put, what):
    jwk = {
        "private": json.dumps(ECKey.generate_key("P-256").as_dict(private=True)),
        "rsa": '{"kty": "RSA"}',
        "text": "my key",
        "list": "[1]",
        "deep": "[" * 5000,
    }[what]
    refused = me.post(f"/my-evidence/{put().key}/take", {"jwk": jwk, "as": "file"})
    assert refused.status_code == 422
    assert "This is no public key" in text_of(refused)
    assert not Credential.objects.exists()


def test_whom_it_was_shown_to(me, gd, put):
    row = put()
    from kouan.apps.evidence.queries import holder_of  # noqa: PLC0415 - for this alone
    from kouan.web.persons import identities  # noqa: PLC0415 - as above

    class Asking:
        session = me.session

    person = identities().person(Asking)
    broker().present(holder_of(person), str(row.key), claims=["name"], to="gd", matter="gd-permit")
    page = text_of(me.get("/my-evidence/shown/"))
    assert "Guangdong" in page
    assert "gd-permit" in page
    assert "Counts no more" not in page
    records.change(record=row, change=Change.REVOKED, by="x", departments=None)
    assert "Counts no more" in text_of(me.get("/my-evidence/shown/"))


# Officers


def test_only_who_keeps_evidence(client, officer, put):
    row = put()
    paths = ["", "file", "new/hk.identity", f"{row.key}/", f"{row.key}/revoke"]
    for path in paths:
        assert client.get(f"/evidence-records/{path}").status_code == 302
        assert officer(role="issuer").get(f"/evidence-records/{path}").status_code == 403


def test_an_officer_sees_their_departments_records_alone(officer, put):
    mine, other = put(reference="ROP-77"), put(
        type="hk.vehicle", reference="VEH-1",
        claims={"registration_mark": "AB 1", "make": "Tram", "owner": "CHAN", "licensed_until": "2027-01-01"},
    )  # fmt: skip
    browser = officer("immigration")
    page = text_of(browser.get("/evidence-records/"))
    assert "ROP-77" in page
    assert "VEH-1" not in page
    assert "Vehicle licence" not in page
    assert browser.get(f"/evidence-records/{mine.key}/").status_code == 200
    for path in ("", "revoke"):
        assert browser.get(f"/evidence-records/{other.key}/{path}").status_code == 404
        assert browser.post(f"/evidence-records/{other.key}/revoke", {"reason": "x"}).status_code == 404
    assert browser.get("/evidence-records/new/hk.vehicle").status_code == 302
    assert "VEH-1" in text_of(officer().get("/evidence-records/"))


def test_finding_a_record(officer, put):
    put(reference="ROP-1")
    put(reference="ROP-2")
    page = text_of(officer().get("/evidence-records/", {"reference": "ROP-2"}))
    assert "ROP-2" in page
    assert "ROP-1" not in page
    assert officer().get("/evidence-records/", {"type": "nothing", "page": "x"}).status_code == 200


def form(**changes):
    return {
        "reference": "ROP-1", "document_number": NUMBER, "valid_from": "2026-01-01", "valid_until": "",
        **{f"claim_{name}": value for name, value in IDENTITY.items()},
    } | changes  # fmt: skip


def test_putting_a_record_in(officer):
    browser = officer("immigration")
    done = browser.post("/evidence-records/new/hk.identity", form(), follow=True)
    assert "The record is kept." in text_of(done)
    row = EvidenceRecord.objects.get()
    assert records.claims_of(row) == IDENTITY
    assert row.changes.get().by.startswith("officer-")
    assert NUMBER not in text_of(done)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"claim_name": ""}, "This cannot be empty."),
        ({"claim_birthdate": "28 Feb"}, "it is no date"),
        ({"document_number": "!"}, "no number of an identity document"),
        ({"valid_from": "yesterday"}, "Enter a date"),
        ({"valid_until": "2025-01-01"}, "the last day is before the first"),
    ],
)
def test_a_record_that_does_not_fit(officer, changes, words):
    refused = officer().post("/evidence-records/new/hk.identity", form(**changes))
    assert refused.status_code == 422
    assert words in text_of(refused)
    assert not EvidenceRecord.objects.exists()


def test_revoking_on_the_page(officer, put):
    row = put()
    browser = officer("immigration")
    assert browser.post(f"/evidence-records/{row.key}/revoke", {"reason": ""}).status_code == 422
    done = browser.post(f"/evidence-records/{row.key}/revoke", {"reason": "issued in error"}, follow=True)
    assert "issued in error" in text_of(done)
    row.refresh_from_db()
    assert row.state == "revoked"
    assert browser.post(f"/evidence-records/{row.key}/resume", {"reason": "x"}).status_code == 409
    assert browser.get(f"/evidence-records/{row.key}/destroy").status_code == 404


def test_a_file_of_records(officer):
    head = "type,reference,document_number,valid_from,name,birthdate,sex,document_type\n"
    row = f"hk.identity,ROP-5,{NUMBER},2026-01-01,CHAN,1985-02-28,Male,HKID\n"
    browser = officer("immigration")
    bad = SimpleUploadedFile("a.csv", (head + row + row.replace("ROP-5", "")).encode())
    refused = browser.post("/evidence-records/file", {"file": bad})
    assert refused.status_code == 422
    assert "line 3" in text_of(refused)
    good = SimpleUploadedFile("a.csv", (head + row).encode())
    assert "1 record is kept." in text_of(browser.post("/evidence-records/file", {"file": good}, follow=True))
    assert browser.post("/evidence-records/file").status_code == 422


# For anybody


@pytest.fixture
def copy(me, put):
    def make(**changes):
        row = put(**changes)
        return row, text_of(me.post(f"/my-evidence/{row.key}/take", {"as": "file"}))

    return make


def test_checking_a_credential(client, copy):
    row, text = copy()
    page = client.post("/check-credential", {"text": f"  {text}\n"})
    assert "The credential is genuine and counts" in text_of(page)
    assert "CHAN Siu Ming" in text_of(page)
    records.change(record=row, change=Change.REVOKED, by="x", departments=None)
    file = SimpleUploadedFile("a.sd-jwt", text.encode())
    page = client.post("/check-credential", {"file": file})
    assert "taken back by its issuer" in text_of(page)


def test_a_forged_one_is_not_repeated(client, copy):
    _row, text = copy()
    token, *rest = text.split("~")
    forged = "~".join([token[:-8] + "AAAAAAAA", *rest])
    page = text_of(client.post("/check-credential", {"text": forged}))
    assert "changed or forged" in page
    assert "CHAN Siu Ming" not in page


@pytest.mark.parametrize("text", ["", "hello", "eyJ", "é" * 10, "a" * 70000])
def test_what_is_no_credential(client, node, text):
    refused = client.post("/check-credential", {"text": text})
    assert refused.status_code == 422
    assert "This is no credential" in text_of(refused)
    assert client.get("/check-credential").status_code == 200


def test_validate_a_document_knows_a_credential(client, copy):
    _row, text = copy()
    page = client.post("/validate", {"file": SimpleUploadedFile("mine.sd-jwt", text.encode())})
    assert page.status_code == 200
    assert "The credential is genuine and counts" in text_of(page)


def test_what_proves_what(client, gd):
    page = text_of(client.get("/evidence/"))
    assert "Certificate of Resident Status" in page
    assert "Public Security" not in page
    gd.announce()
    page = text_of(client.get("/evidence/"))
    assert "Resident identity" in page
    assert "Public Security" in page
    assert page.count("nothing yet") == 10  # of eleven, Guangdong has told of one


def test_what_verifiers_read(client, put, copy):
    _row, text = copy()
    said = signing.payload_of(reading.split(text).token)
    issuer = client.get("/.well-known/jwt-vc-issuer")
    assert issuer.json()["issuer"] == said["iss"]
    assert issuer["Access-Control-Allow-Origin"] == "*"
    kid = signing.header_of(text)["kid"]
    jwk = next(each for each in issuer.json()["jwks"]["keys"] if each["kid"] == kid)
    assert "d" not in jwk
    key = signing.public_key(jwk)
    assert signing.verified(reading.split(text).token, key, types=("dc+sd-jwt",)) == said
    origin = said["iss"]
    listed = client.get(said["status"]["status_list"]["uri"].removeprefix(origin))
    assert listed["Content-Type"] == "application/statuslist+jwt"
    assert status.read(text_of(listed), key).at(said["status"]["status_list"]["idx"]) == status.VALID
    described = client.get(said["vct"].removeprefix(origin)).json()
    assert described["vct"] == said["vct"]
    assert {"locale": "zh-Hant", "name": "香港身份證明"} in described["display"]
    assert {tuple(each["path"]) for each in described["claims"]} >= {("name",), ("birthdate",)}
    assert client.get("/evidence/status/999").status_code == 404
    for code in ("hk.nothing", "hk.nothing%00", "hk.nothing%0a", "%E4%B8%80", "a" * 200):
        assert client.get(f"/evidence/types/{code}").status_code == 404
    with pytest.raises(Resolver404):
        resolve("/evidence/types/hk.nothing\0")  # it never comes to a query


def test_a_decisions_type_is_described(client, node):
    title = Localised("Permit granted", "批准許可", "批准许可")
    broker().issue(
        type_="decision.permit", title=title, department="transport", claims={"number": "7"},
        titles={"number": Localised("Number", "編號", "编号")}, expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    described = client.get("/evidence/types/decision.permit").json()
    assert described["name"] == "Permit granted"
    assert described["claims"][0]["display"][1] == {"locale": "zh-Hant", "label": "編號"}


def test_a_file_that_is_too_large_or_broke_off(client, node):
    big = SimpleUploadedFile("a.sd-jwt", b"a" * (1 << 20))
    assert client.post("/check-credential", {"file": big}).status_code == 413
    broken = b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\neyJ"
    kind = "multipart/form-data; boundary=x"
    answer = client.generic("POST", "/check-credential", broken, content_type=kind)
    assert answer.status_code in {413, 422}


def test_a_browser_without_the_forms_secret_changes_nothing(put, officer):
    row = put()
    browser = officer()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    for path in (f"{row.key}/revoke", "file", "new/hk.identity"):
        assert strict.post(f"/evidence-records/{path}", {"reason": "x"}).status_code == 403
    row.refresh_from_db()
    assert row.state == "valid"


@pytest.mark.parametrize("code", ["a%00b", "a%0Ab", "x" * 129, "a_b", "%F0%9F%92%A5"])
def test_what_may_be_no_type_is_not_looked_for(client, officer, node, code, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get(f"/evidence/types/{code}").status_code == 404
    assert officer().get(f"/evidence-records/new/{code}").status_code == 404


def test_copies_are_taken_so_often_and_no_more(me, put, monkeypatch):
    monkeypatch.setattr(mine, "_TAKEN", replace(mine._TAKEN, limit=2))
    row = put()
    codes = [me.post(f"/my-evidence/{row.key}/take").status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert Credential.objects.count() == 2
    assert (mine._TAKEN.scope, mine._TAKEN.window) == ("take-evidence", timedelta(hours=1))
