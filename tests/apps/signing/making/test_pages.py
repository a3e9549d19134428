"""Signing by hand and by program: who may, with which key, and the archive that keeps signatures provable."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto import cms, pem
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pyhanko.pdf_utils.reader import PdfFileReader

from apps.dataflow.pages.conftest import browser_of, person_signed_in
from apps.signing.making.test_renewal import archived  # noqa: F401 - a fixture
from apps.signing.test_lists_pages import officer
from kouan.apps.signing.making import keys, office, orders, renewal
from kouan.apps.signing.making.errors import BadSigningToken, NoSuchSigner, SignerUnusable
from kouan.apps.signing.models import ArchivedDocument, OfficeSignature, SigningOrder
from kouan.apps.signing.validating.uploads import MAX_TOTAL
from kouan.demo.authorities import issue_signer, make
from kouan.sections.signers import SignerSettings

pytestmark = pytest.mark.django_db
API = "/api/v1/signing"


@pytest.fixture
def lee(node):
    return officer("lee", "signatory")


@pytest.fixture
def chan(db):
    return browser_of(person_signed_in())


def file_of(data, name="letter.pdf"):
    file = io.BytesIO(data)
    file.name = name
    return file


def signed_by(data):
    (one,) = PdfFileReader(io.BytesIO(data)).embedded_regular_signatures
    return one.signer_cert.subject.native["common_name"]


def saved(client, address):
    answer = client.get(f"{address}file")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.content, answer.headers["Content-Disposition"]


def test_an_officer_signs_with_a_key_of_this_sides(lee, paper):
    page = lee.get("/office-sign/").content.decode()
    assert "Office of Tests (rsa)" in page
    asked = {"file": file_of(paper), "signer": "rsa", "where": "inside", "reason": "To show"}
    address = lee.post("/office-sign/", asked).headers["Location"]
    page = lee.get(address).content.decode()
    assert "letter-signed.pdf" in page
    data, name = saved(lee, address)
    assert (signed_by(data), name) == ("Office of Tests", 'attachment; filename="letter-signed.pdf"')
    row = OfficeSignature.objects.get()
    assert (row.by, row.signer, row.form, row.reason) == ("lee", "rsa", "pdf", "To show")
    assert bytes(row.sha256).hex()[:16] in lee.get("/office-sign/").content.decode()


@pytest.mark.parametrize(("where", "inside"), [("inside", True), ("beside", False)])
def test_sm2_signs_a_cms_of_the_mainland(lee, paper, where, inside):
    asked = {"file": file_of(paper), "signer": "sm2", "where": where, "reason": ""}
    data, name = saved(lee, lee.post("/office-sign/", asked).headers["Location"])
    content = cms.ContentInfo.load(data)
    assert content["content_type"].dotted == "1.2.156.10197.6.1.4.2.2"
    assert (paper in data) is inside
    assert name.endswith('.p7m"' if inside else '.p7s"')


def test_what_is_wrong_is_said_on_the_form(lee, paper):
    answer = lee.post("/office-sign/", {"signer": "rsa", "where": "inside"})
    assert answer.status_code == 422
    assert "There is a problem" in answer.content.decode()
    answer = lee.post("/office-sign/", {"file": file_of(b"%PDF-broken"), "signer": "rsa", "where": "inside"})
    text = answer.content.decode()
    assert (answer.status_code, "it is broken or cut short" in text, "Error)" in text) == (422, True, False)
    answer = lee.post("/office-sign/", {"file": file_of(paper), "signer": "other", "where": "inside"})
    assert answer.status_code == 422
    assert not OfficeSignature.objects.exists()


@pytest.mark.parametrize("page", ["/office-sign/", "/office-sign/archive/"])
def test_a_file_that_is_too_large_is_refused_whole(lee, paper, page):
    """Of one that is a little larger than may come, a piece was kept: it is not signed for the whole."""
    for more in (1, 1 << 20):
        sent = file_of(paper + bytes(MAX_TOTAL - len(paper) + more))
        answer = lee.post(page, {"file": sent, "signer": "rsa", "where": "inside", "reason": ""})
        assert (answer.status_code, "50 MB" in answer.content.decode()) == (422, True)
    assert not OfficeSignature.objects.exists()
    assert not ArchivedDocument.objects.exists()


def test_nobody_else_signs_or_sees_what_was_signed(lee, chan, paper):
    asked = {"file": file_of(paper), "signer": "rsa", "where": "inside"}
    address = lee.post("/office-sign/", asked).headers["Location"]
    for client, status in (
        (officer("wong", "signing"), 403),
        (Client(), 302),
        (officer("ho", "signatory"), 404),
    ):
        assert client.get(address).status_code == status
        assert client.get(f"{address}file").status_code == status
    assert officer("yip", "operator").get("/office-sign/archive/").status_code == 403
    assert chan.get(address.replace("/office-sign/", "/sign/")).status_code == 404
    stranger = Client(enforce_csrf_checks=True)
    stranger.force_login(User.objects.get(username="lee"))
    assert stranger.post("/office-sign/", {**asked, "file": file_of(paper)}).status_code == 403


def test_a_resident_signs_with_the_wallet_of_the_demonstration(chan, node, paper):
    address = chan.post("/sign/", {"file": file_of(paper), "where": "inside", "reason": ""}).headers[
        "Location"
    ]
    row = SigningOrder.objects.get()
    page = chan.get(address).content.decode()
    assert base64.b64encode(orders.to_sign(row).hash).decode() in page
    assert "proves nothing" in page
    chan.post(f"{address}wallet")
    data, _name = saved(chan, address)
    assert PdfFileReader(io.BytesIO(data)).embedded_regular_signatures
    assert not OfficeSignature.objects.exists()


def test_only_a_demonstration_has_such_a_wallet(chan, settings, node, paper):
    address = chan.post("/sign/", {"file": file_of(paper), "where": "inside"}).headers["Location"]
    settings.NODE = replace(settings.NODE, demonstration=False)
    assert "/wallet" not in chan.get(address).content.decode()
    chan.post(f"{address}wallet")
    assert SigningOrder.objects.get().state == "sent"


def test_a_wallets_answer_is_put_in_by_hand(chan, node, signers, paper):
    made = signers["rsa"]
    address = chan.post("/sign/", {"file": file_of(paper), "where": "beside"}).headers["Location"]
    asked = orders.to_sign(SigningOrder.objects.get()).hash
    signature = made.key.sign(asked, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
    certificates = b"".join(pem.armor("CERTIFICATE", each) for each in made.certificates).decode()
    answer = {"signature": base64.b64encode(signature).decode(), "certificates": certificates}
    for changed in ({"signature": "?"}, {"certificates": "none"}, {"signature": "AAAA"}):
        refused = chan.post(f"{address}answer", answer | changed)
        assert (refused.status_code, "There is a problem" in refused.content.decode()) == (422, True), changed
    assert chan.post(f"{address}answer", answer).status_code == 302
    assert saved(chan, address)[1].endswith('letter.pdf.p7s"')


def test_an_order_is_given_up_and_ends(chan, node, paper):
    address = chan.post("/sign/", {"file": file_of(paper), "where": "inside"}).headers["Location"]
    chan.post(f"{address}refuse")
    assert "Given up" in chan.get(address).content.decode()
    assert chan.get(f"{address}file").status_code == 404
    address = chan.post("/sign/", {"file": file_of(paper), "where": "inside"}).headers["Location"]
    SigningOrder.objects.update(expires_at=timezone.now())
    assert "Nothing was signed" in chan.get(address).content.decode()


def test_who_is_not_signed_in_as_a_resident_is_sent_to_do_so(node):
    assert "/identity/" in Client().get("/sign/").headers["Location"]


# Programs


@pytest.fixture
def program(node):
    token = office.issue_access(name="case system", signers=["p256"])
    return Client(headers={"Authorization": f"Bearer {token}"})


def test_a_program_signs_with_the_keys_of_its_token_alone(program, paper):
    assert program.get(f"{API}/signers").json() == {
        "signers": [{"name": "p256", "kind": "file", "holder": "Office of Tests"}]
    }
    answer = program.post(f"{API}/signatures", {"file": file_of(paper), "signer": "p256"})
    assert signed_by(answer.content) == "Office of Tests"
    for signer in ("rsa", "", "nobody"):
        refused = program.post(f"{API}/signatures", {"file": file_of(paper), "signer": signer})
        assert (refused.status_code, refused.json()["code"]) == (403, "not-for-this-token")
    assert OfficeSignature.objects.get().by.startswith("token:")
    assert Client().post(f"{API}/signatures", {"file": file_of(paper), "signer": "p256"}).status_code == 401
    refused = program.post(
        f"{API}/signatures", {"file": file_of(b"text", "a.txt"), "signer": "p256", "level": "T"}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "not-signable")


def test_a_program_has_a_wallet_sign(program, signers, paper):
    made = program.post(f"{API}/orders", {"file": file_of(paper), "name": "CHAN Tai Man"})
    assert made.status_code == 201
    order = made.json()
    assert program.post(f"{API}/orders/{order['id']}/sent").json() == order | {"state": "sent"}
    key = signers["p256"]
    signature = key.key.sign(base64.b64decode(order["hash"]), ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    answer = {
        "signature": base64.b64encode(signature).decode(),
        "certificates": [base64.b64encode(each).decode() for each in key.certificates],
    }

    def complete(**changed):
        return program.post(
            f"{API}/orders/{order['id']}/completion",
            json.dumps(answer | changed),
            content_type="application/json",
        )

    assert complete(signature="AAAA").json()["code"] == "signing-answer-rejected"
    assert complete(signature="....").json()["code"] == "signing-answer-rejected"
    assert signed_by(complete().content) == "Office of Tests"
    assert program.get(f"{API}/orders/{order['id']}").json()["state"] == "completed"
    other = office.issue_access(name="another")
    stranger = Client(headers={"Authorization": f"Bearer {other}"})
    assert stranger.get(f"{API}/orders/{order['id']}").status_code == 404
    second = program.post(f"{API}/orders", {"file": file_of(paper)}).json()["id"]
    assert program.post(f"{API}/orders/{second}/refusal").status_code == 204
    assert program.get(f"{API}/orders/{second}").json()["state"] == "refused"


def test_tokens_end(node):
    with pytest.raises(NoSuchSigner):
        office.issue_access(name="x", signers=["nobody"])
    token = office.issue_access(name="x")
    assert office.revoke_access(prefix=office.use_access(token).prefix) == 1
    with pytest.raises(BadSigningToken):
        office.use_access(token)


# The archive


def test_the_archive_says_what_is_due_and_what_failed(lee, archived):  # noqa: F811 - the fixture
    assert lee.post("/office-sign/archive/", {"file": file_of(archived, "licence.pdf")}).status_code == 302
    page = lee.get("/office-sign/archive/").content.decode()
    assert ("licence.pdf" in page, "Kept" in page) == (True, True)
    row = ArchivedDocument.objects.get()
    ArchivedDocument.objects.update(renew_at=timezone.now() - timedelta(hours=1))
    assert renewal.state_of(renewal.find(row.pk)) == "due"
    ArchivedDocument.objects.update(problem="no answer", tried_at=timezone.now())
    page = lee.get("/office-sign/archive/").content.decode()
    assert ("Last try failed" in page, "no answer" in page) == (True, True)
    assert renewal.renew_due() is False
    assert lee.post(f"/office-sign/archive/{row.pk}/again").status_code == 302
    assert renewal.renew_due() is True
    row.refresh_from_db()
    assert (row.renewals, row.problem) == (1, "")
    assert lee.get(f"/office-sign/archive/{row.pk}/file").content == bytes(row.content)
    answer = lee.post("/office-sign/archive/", {"file": file_of(b"%PDF-nothing")})
    assert (answer.status_code, "cannot be made to last" in answer.content.decode()) == (422, True)


def test_a_program_looks_after_the_archive_if_its_token_says_so(program, archived):  # noqa: F811 - the fixture
    assert program.get(f"{API}/archive").json()["code"] == "not-for-this-token"
    keeper = Client(headers={"Authorization": f"Bearer {office.issue_access(name='archive', archive=True)}"})
    kept = keeper.post(f"{API}/archive", {"file": file_of(archived)})
    assert (kept.status_code, kept.json()["state"]) == (201, "kept")
    assert [each["id"] for each in keeper.get(f"{API}/archive").json()["documents"]] == [kept.json()["id"]]
    assert keeper.get(f"{API}/archive/{kept.json()['id']}/content").content == archived


# What is made up


def test_a_signer_of_a_demonstration_signs_in_demonstrations_alone(settings, node, tmp_path):
    made = make("Harbour Certification (demonstration)", "p256")
    certificate, key = issue_signer(made, "Office (demonstration)")
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_bytes(key)
    (tmp_path / "pem").write_bytes(certificate)
    given = SignerSettings("office", "file", key=str(tmp_path / "key"), certificates=tmp_path / "pem")
    settings.NODE = replace(settings.NODE, demonstration=True)
    assert keys.opened(given).sign(b"x")
    settings.NODE = replace(settings.NODE, demonstration=False)
    with pytest.raises(SignerUnusable, match="demonstration"):
        keys.opened(given)
