"""The page of "validate a document" for signed files, the report, the API and the program's command."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
import tempfile
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from asn1crypto import pem
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.translation import override
from lxml import etree

import signed_papers as papers
from apps.signing.validating.signed_text import Jws
from kouan.apps.signing.lists import domain
from kouan.apps.signing.lists import queries as lists
from kouan.apps.signing.models import RevocationData, SignatureReport
from kouan.apps.signing.ofd.writing import package
from kouan.apps.signing.validating import bundles, labels, services
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.commands import row, validate
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.errors import UnusableRevocationData
from kouan.apps.signing.validating.formats.registry import format_of
from kouan.apps.signing.validating.pdfreport import signature_rows
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.recognising import with_recognition
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Trust
from kouan.core.text import Localised
from kouan.sections.signing import FormerTime

pytestmark = pytest.mark.django_db

NAME = Localised("Test", "測試", "测试")
_PERSONAL = domain.CertificateType.PERSONAL


@pytest.fixture
def listed(monkeypatch):
    """Both sides' lists name the tests' authorities; the data of today is here."""
    now = timezone.now()
    entries = tuple(
        domain.Entry(
            code=f"entry-{number}", name=NAME, provider=NAME, certificate_type=_PERSONAL,
            root=root, issuing_ca=issuing, recognised_from=papers.SINCE, recognised_until=papers.UNTIL,
            history=(domain.StatusChange(domain.Status.RECOGNISED, papers.SINCE),),
        )
        for number, (root, issuing) in enumerate(
            [
                (papers.root().der, papers.authority().der),
                (papers.sm2_root().certificate.dump(), papers.sm2_authority().certificate.dump()),
            ]
        )
    )  # fmt: skip
    edition = domain.Edition(
        "hk", 3, now - timedelta(days=1), now + timedelta(days=30), entries, digest=bytes(32)
    )
    monkeypatch.setattr(lists, "current", lambda: (edition,))
    at = now - timedelta(days=1)
    data = [
        *(
            papers.crl(each, at=at, until=at + timedelta(days=7))
            for each in (papers.root(), papers.authority())
        ),
        *papers.sm2_crls(at=at, until=at + timedelta(days=7)),
    ]
    bundles.store([bundles.read(each, name="list") for each in data], source="test")
    return edition


_open = []


@pytest.fixture(autouse=True)
def _closed():
    """Close what a test had opened."""
    yield
    while _open:
        _open.pop().close()


def _file(data):
    _open.append(file := tempfile.TemporaryFile())  # noqa: SIM115 - closed by the fixture
    file.write(data)
    file.flush()
    return file


def sent(client, data, **more):
    return client.post("/validate", {"file": SimpleUploadedFile("paper", data), **more})


def test_a_signed_pdf_leads_to_a_page_that_says_who_signed_and_that_both_sides_recognise_it(client, listed):
    response = sent(client, papers.signed_pdf())
    assert response.status_code == 303
    page = client.get(response.url)
    text = page.content.decode()
    assert page.status_code == 200
    assert "Chan Tai Man" in text
    assert "Recognised on both sides." in text
    assert "The signature is valid" in text
    assert "Test Issuing CA" in text
    key = SignatureReport.objects.get().key
    assert client.get(f"/signatures/{key}/page-1").content.startswith(b"\x89PNG")
    assert client.get(f"/signatures/{key}/page-2").status_code == 404
    report = json.loads(client.get(f"/signatures/{key}/report.json").content)
    assert (report["verdict"], report["recognised"]) == ("TOTAL-PASSED", True)
    assert report["pinned"]["lists"] == [f"hk:3:{bytes(32).hex()}"]
    assert len(report["pinned"]["revocation"]) == 4
    assert client.get(f"/signatures/{key}/report.pdf").content.startswith(b"%PDF")


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
def test_the_report_is_there_in_three_scripts(client, listed, language):
    with override(language):
        key = services.keep(services.validate(file := _file(papers.sm2_cms())), file).key
    page = client.get(f"/signatures/{key}", headers={"Accept-Language": language})
    assert page.status_code == 200
    assert "李小明" in page.content.decode()
    assert (
        client.get(f"/signatures/{key}/report.pdf", headers={"Accept-Language": language}).status_code == 200
    )


def test_valid_and_recognised_are_two_answers(listed):
    entry = listed.entries[0]
    withdrawn = domain.StatusChange(domain.Status.WITHDRAWN, timezone.now() - timedelta(days=2))
    other = replace(listed, entries=(replace(entry, history=(*entry.history, withdrawn)),))
    found = services.validate(_file(papers.signed_pdf()))
    assert (found.verdict, found.recognised) == ("TOTAL-PASSED", True)
    found = with_recognition(found.model_copy(update={"reasons": ()}), (other,), now=timezone.now())
    assert (found.verdict, found.recognised) == ("TOTAL-PASSED", False)
    assert [each.code for each in found.reasons] == ["withdrawn"]
    overdue = replace(listed, next_update=timezone.now() - timedelta(days=1))
    found = with_recognition(found, (overdue,), now=timezone.now())
    assert (found.recognised, found.signatures[0].recognition.reason) == (False, "list-overdue")


def test_what_the_lists_say_is_open_where_the_signature_itself_is_not_confirmed(client, listed):
    """No way to a root was looked for: that none leads there is not said."""
    forged = json.loads(Jws(b"A permit").written())
    forged["signature"] = "A" * len(forged["signature"])
    for data in (papers.signed_cms(detached=True), json.dumps(forged).encode()):
        found = services.validate(file := _file(data))
        assert (found.recognised, found.reasons[-1].code) == (False, "recognition-not-asked")
        text = client.get(f"/signatures/{services.keep(found, file).key}").content.decode()
        assert "No. The lists were not asked" in text
        assert "root certification authority" not in text
    changed = papers.signed_cms().replace(b"A permit", b"A pardon")
    key = services.keep(services.validate(file := _file(changed)), file).key
    text = client.get(f"/signatures/{key}").content.decode()
    assert "No. The lists recognise certificates of this kind; the signature was not confirmed." in text
    assert "Not recognised by the trust lists." not in text
    stranger = Trust(roots=(papers.sm2_root().certificate.dump(),))
    found = validated(io.BytesIO(papers.signed_cms()), Engine(stranger, Checker()))
    assert with_recognition(found, (listed,), now=timezone.now()).reasons[-1].code == "unknown-root"


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.TOTAL_PASSED, "The time-stamp holds"),
        (Verdict.INDETERMINATE, "It cannot be said whether the time-stamp holds"),
        (Verdict.TOTAL_FAILED, "The time-stamp does not hold"),
    ],
)
def test_a_time_stamp_of_the_document_is_told_of_as_one(client, listed, verdict, said):
    found = services.validate(file := _file(papers.signed_pdf()))
    one = found.signatures[0]
    stamp = one.model_copy(
        update={"kind": "timestamp", "verdict": verdict, "time_source": "timestamp", "claimed_at": None,
                "recognition": None}
    )  # fmt: skip
    key = services.keep(found.model_copy(update={"signatures": (one, stamp)}), file).key
    signature, rest = (
        client.get(f"/signatures/{key}").content.decode().split("Time-stamp of the document 2", 1)
    )
    assert (said in rest, said in signature) == (True, False)
    assert ("Stamped at" in rest, "Existed at" in rest, "as the signer says" in rest) == (True, False, False)
    assert "as the signer says" in signature
    rows = [dict(signature_rows(each)) for each in (one, stamp)]
    assert ("Signed by" in rows[0], "Time-stamping authority" in rows[1]) == (True, True)
    assert ("Stamped at" in rows[1], "Existed at" in rows[1]) == (True, False)


def test_a_file_with_neither_mark_nor_signature_is_refused_as_before(client, listed):
    response = sent(client, papers.plain_pdf())
    assert response.status_code == 422
    assert "neither an issuing institution" in response.content.decode()


def test_what_is_wrong_with_the_mark_takes_nothing_from_the_report_on_the_signatures(client, listed):
    """Whoever reads that the mark is damaged is led to what the signatures say all the same."""
    signed = {**json.loads(Jws(b"A permit").written()), "kouan": {"reference": "HK-1"}}
    for data, more, said in (
        (json.dumps(signed).encode(), {}, "was changed or damaged"),
        (papers.signed_cms(), {"reference": "HK-1"}, "id_reference"),
    ):
        response = sent(client, data, **more)
        key = SignatureReport.objects.latest("created_at").key
        page = html.unescape(response.content.decode())
        assert response.status_code == 422
        assert said in page
        assert f'href="/signatures/{key}"' in page
        assert client.get(f"/signatures/{key}").status_code == 200


def test_a_report_is_gone_after_its_day(client, listed):
    key = services.keep(services.validate(file := _file(papers.signed_cms())), file).key
    SignatureReport.objects.update(expires_at=timezone.now())
    assert client.get(f"/signatures/{key}").status_code == 404
    services.forget()
    assert not SignatureReport.objects.exists()


def test_the_xml_report_names_the_indication_by_the_standards_words(client, listed):
    broken = papers.signed_cms().replace(b"A permit", b"A pardon")
    key = services.keep(services.validate(file := _file(broken)), file).key
    root = etree.fromstring(client.get(f"/signatures/{key}/report.xml").content)
    space = {"v": "http://uri.etsi.org/19102/v1.4.1#"}
    assert (
        root.findtext(".//v:MainIndication", namespaces=space)
        == "urn:etsi:019102:mainindication:total-failed"
    )
    assert (
        root.findtext(".//v:SubIndication", namespaces=space) == "urn:etsi:019102:subindication:HASH_FAILURE"
    )
    assert root.findtext(".//v:Signer", namespaces=space) == "Chan Tai Man"


def test_programs_validate_one_file_without_a_token_and_many_with_one(listed):
    client = Client()
    one = client.post("/api/v1/signing/validations", {"file": SimpleUploadedFile("a", papers.signed_pdf())})
    assert (one.status_code, one.json()["verdict"], one.json()["recognised"]) == (200, "TOTAL-PASSED", True)
    files = [
        SimpleUploadedFile("a", papers.signed_cms()),
        SimpleUploadedFile("b", papers.sm2_cms()),
        SimpleUploadedFile("c", b"?"),
    ]
    assert client.post("/api/v1/signing/validations/batch", {"file": files}).status_code == 401
    for each in files:
        each.seek(0)
    headers = {"Authorization": f"Bearer {services.issue_token(name='Archive')}"}
    many = client.post("/api/v1/signing/validations/batch", {"file": files}, headers=headers)
    assert [each["verdict"] for each in many.json()["reports"]] == ["TOTAL-PASSED", "TOTAL-PASSED", None]
    empty = client.post("/api/v1/signing/validations", {"file": SimpleUploadedFile("a", b"")})
    assert (empty.status_code, empty.json()["code"]) == (422, "signature-file-unusable")


@pytest.mark.django_db(transaction=True)
def test_the_command_prints_a_row_a_file_or_a_report_a_line(listed, tmp_path):
    good, bad = tmp_path / "good.pdf", tmp_path / "bad.txt"
    good.write_bytes(papers.signed_pdf())
    bad.write_bytes(b"nothing")
    done = CliRunner().invoke(validate, [str(good), str(bad)])
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.exit_code == 1
    assert [(each["verdict"], each["recognised"], each["reasons"]) for each in rows] == [
        ("TOTAL-PASSED", "yes", ""), ("", "no", "unknown-format"),
    ]  # fmt: skip
    done = CliRunner().invoke(validate, ["--json", str(good)])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["signer"] == "Chan Tai Man"


def test_a_detached_signature_is_sent_with_what_it_is_about(listed):
    def files():
        return {
            "file": SimpleUploadedFile("a.p7s", papers.signed_cms(detached=True)),
            "document": SimpleUploadedFile("a", b"A permit"),
        }

    client, path = Client(), "/api/v1/signing/validations"
    found = client.post(path, files()).json()
    assert (found["verdict"], found["recognised"]) == ("TOTAL-PASSED", True)
    assert found["document_digest"] == hashlib.sha256(b"A permit").hexdigest()
    alone = client.post(path, {"file": files()["file"]}).json()
    assert alone["sub_indication"] == "SIGNED_DATA_NOT_FOUND"
    assert client.post(path, {"document": files()["document"]}).status_code == 422
    twice = client.post(path, {**files(), "document": [files()["document"], files()["document"]]})
    assert twice.status_code == 422


@pytest.mark.django_db(transaction=True)
def test_the_command_takes_the_document_of_a_detached_signature(listed, tmp_path):
    signature, document = tmp_path / "a.p7s", tmp_path / "a.txt"
    signature.write_bytes(papers.signed_cms(detached=True))
    document.write_bytes(b"A permit")
    done = CliRunner().invoke(validate, ["--detached", str(document), str(signature)])
    assert (done.exit_code, "TOTAL-PASSED" in done.stdout) == (0, True)
    signature.write_bytes(papers.signed_cms(content=b"Another permit"))
    done = CliRunner().invoke(validate, ["--detached", str(document), str(signature)])
    assert (done.exit_code, "SIGNED_DATA_NOT_FOUND,no" in done.stdout) == (1, True)
    document.write_bytes(b"A pardon")
    assert CliRunner().invoke(validate, ["--detached", str(document), str(signature)]).exit_code == 1


# OFD


def _without_signatures(data, *, listing):
    """Return an OFD document from whose list the signatures were taken, and their files if the list stays."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    listed_at = next(each for each in parts if each.endswith("/Signatures.xml"))
    parts[listed_at] = re.sub(rb"<ofd:Signature .*?/>", b"", parts[listed_at], flags=re.DOTALL)
    if listing:
        parts = {name: each for name, each in parts.items() if "/Sign_0/" not in name}
    return package.pack(parts)


@pytest.mark.parametrize(
    ("listing", "code"), [(True, "ofd-signature-list-empty"), (False, "ofd-signature-unlisted")]
)
def test_a_document_whose_only_seal_was_taken_off_says_so(client, listed, listing, code):
    response = sent(client, _without_signatures(papers.sealed_ofd(), listing=listing))
    assert response.status_code == 303
    found = SignatureReport.objects.get()
    report = json.loads(found.report)
    assert (report["verdict"], report["recognised"]) == (None, False)
    assert {"no-signature", code} <= {each["code"] for each in report["reasons"]}
    assert str(labels.reason(code)) in html.unescape(client.get(response.url).content.decode())


def test_the_page_of_a_sealed_document_is_drawn_as_a_picture_that_reaches_nothing(client, listed):
    page = client.get(sent(client, papers.sealed_ofd()).url)
    key = SignatureReport.objects.get().key
    picture = client.get(f"/signatures/{key}/page-1")
    assert f"/signatures/{key}/page-1" in page.content.decode()
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert picture.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "许可证" in picture.content.decode()


@pytest.mark.parametrize("first", ["Res.xml", "Doc_0/Pages/Page_0/Content.xml"])
def test_an_ofd_document_is_known_in_whatever_order_its_parts_stand(first):
    with zipfile.ZipFile(io.BytesIO(papers.sealed_ofd())) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    root = parts.pop("OFD.xml")
    parts = {first: parts.pop(first, bytes(8000)), **parts, "OFD.xml": root}
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in parts.items():
            archive.writestr(name, each)
    assert format_of(held).name == "ofd"
    with zipfile.ZipFile(held := io.BytesIO(), "w") as archive:
        archive.writestr("word/OFD.xml", b"<a/>")
    assert format_of(held) is None


# What is trusted for time-stamps


def test_a_root_counts_for_time_stamps_while_a_list_recognises_it(listed):
    first, second = listed.entries
    gone = papers.NOW - timedelta(days=9)
    history = (*first.history, domain.StatusChange(domain.Status.WITHDRAWN, gone))
    other = replace(listed, entries=(replace(first, history=history), second))
    trust = Trust(periods=services.listed_periods([other]))
    assert trust.stamps_at(first.root, gone - timedelta(seconds=1))
    assert not trust.stamps_at(first.root, gone)
    assert trust.stamps_at(second.root, gone)
    assert not trust.stamps_at(second.root, papers.UNTIL)


def test_an_authority_relied_on_before_counts_until_its_day(listed, settings, tmp_path):
    held = tmp_path / "former.pem"
    der = papers.stamper().der
    held.write_bytes(pem.armor("CERTIFICATE", der))
    (former,) = FormerTime.read_all([{"ca": "former.pem", "until": date(2026, 1, 1)}], home=tmp_path)
    settings.NODE = replace(settings.NODE, former_time=(former,))
    trust = services.trust()
    assert der in trust.time_roots
    assert trust.stamps_at(der, datetime(2025, 12, 31, tzinfo=UTC))
    assert not trust.stamps_at(der, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_cell_never_begins_as_a_formula_does(listed):
    found = services.validate(_file(papers.signed_cms()))
    assert row(found.model_copy(update={"signer": "=1+1"}))[3] == "'=1+1"


def test_a_bundle_that_this_side_signed_is_taken_in_once_and_a_changed_one_is_not(node):
    data = [bundles.read(papers.crl(papers.root()), name="root.crl")]
    bundle = bundles.pack(data)
    assert bundles.take(bundle, name="b") == data
    assert bundles.take(bundle, name="b") == []
    assert RevocationData.objects.count() == 1
    changed = bytearray(bundle)
    changed[-5] ^= 1
    with pytest.raises(UnusableRevocationData):
        bundles.take(bytes(changed), name="b")
    with pytest.raises(UnusableRevocationData):
        bundles.read(b"no list", name="x")


def test_every_code_has_words():
    assert all(str(labels.reason(each)) for each in labels.CODES)
    assert {each.value.lower().replace("_", "-") for each in SubIndication} <= set(labels.SUBS)
    assert {each.value for each in domain.Reason} <= set(labels.RECOGNITION)
