"""Signatures of every format, judged in this process: what passes, and each way in which one does not."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace

import pytest
from asn1crypto import pem
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

import signed_papers as papers
from kouan.apps.signing.ofd import limits
from kouan.apps.signing.validating import crls, labels
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.formats import base
from kouan.apps.signing.validating.formats.pdf import Pdf
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Trust
from signed_papers import DAY, NOW

PASSED, OPEN, FAILED = Verdict.TOTAL_PASSED, Verdict.INDETERMINATE, Verdict.TOTAL_FAILED


@pytest.fixture(autouse=True)
def by_index():
    """Judge as the worker does: revocation lists by index."""
    crls.install(crls.Indexes())
    yield
    crls.uninstall()


def trust(**more):
    known = {
        "roots": (papers.root().der, papers.sm2_root().certificate.dump()),
        "certificates": (papers.authority().der, papers.sm2_authority().certificate.dump()),
        "crls": (papers.crl(papers.root()), papers.crl(papers.authority()), *papers.sm2_crls()),
        "moment": NOW,
    }
    return Trust(**{**known, **more})


def judged(data, by=None):
    return validated(io.BytesIO(data), Engine(by or trust(), Checker()))


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_pdf_signed_under_a_listed_root_passes_at_level_b(kind):
    found = judged(papers.signed_pdf(papers.signer(kind)))
    one = found.signatures[0]
    assert (found.verdict, found.sub_indication, found.format, found.level) == (PASSED, None, "pdf", "B-B")
    assert (found.signer, one.id, one.intact, one.uncovered) == ("Chan Tai Man", "Signature1", True, ())
    assert [each.subject.name for each in one.chain] == ["Chan Tai Man", "Test Issuing CA", "Test Root"]
    assert one.chain[0].policies == (papers.POLICY,)
    assert one.place is not None
    assert one.place.page == 1
    assert 0 < one.place.left < one.place.left + one.place.width < 1


def test_without_revocation_data_nothing_passes():
    found = judged(papers.signed_pdf(), trust(crls=()))
    assert (found.verdict, found.signatures[0].intact) == (OPEN, True)
    assert found.sub_indication is not None


def test_stale_revocation_data_leaves_it_open():
    old = tuple(
        papers.crl(each, at=NOW - 30 * DAY, until=NOW - 20 * DAY)
        for each in (papers.root(), papers.authority())
    )
    found = judged(papers.signed_pdf(), trust(crls=old))
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.TRY_LATER)


def test_a_list_that_somebody_else_signed_says_nothing():
    forged = papers.crl(replace(papers.authority(), key=papers.signer().key))
    found = judged(papers.signed_pdf(), trust(crls=(papers.crl(papers.root()), forged)))
    assert found.verdict is OPEN


def test_a_root_that_is_not_listed_leads_nowhere():
    found = judged(papers.signed_pdf(), trust(roots=(papers.sm2_root().certificate.dump(),)))
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)


def test_a_changed_page_fails_by_its_digest():
    data = papers.signed_pdf(data=papers.plain_pdf("Pay 100 dollars"))
    at = data.index(b"%PDF-") + 7
    found = judged(data[:at] + b"9" + data[at + 1 :])
    assert (found.verdict, found.sub_indication) == (FAILED, SubIndication.HASH_FAILURE)


def test_a_revoked_signer_without_a_time_stamp_does_not_pass():
    revoked = papers.crl(papers.authority(), [(papers.signer().certificate.serial_number, NOW - 3 * DAY)])
    found = judged(papers.signed_pdf(), trust(crls=(papers.crl(papers.root()), revoked)))
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.REVOKED_NO_POE)


@pytest.mark.parametrize(("days", "verdict"), [(10, PASSED), (1, OPEN)])
def test_a_time_stamp_before_the_revocation_keeps_it_good_and_one_after_does_not(days, verdict):
    revoked = papers.crl(papers.authority(), [(papers.signer().certificate.serial_number, NOW - 3 * DAY)])
    data = papers.signed_pdf(stamped_at=NOW - days * DAY)
    found = judged(data, trust(crls=(papers.crl(papers.root()), revoked)))
    assert (found.verdict, found.level) == (verdict, "B-T")


def test_an_archived_signature_outlives_its_certificate():
    then = NOW - 60 * DAY
    lists = tuple(papers.crl(each, at=then, until=then + DAY) for each in (papers.root(), papers.authority()))
    data = papers.signed_pdf(papers.short_lived(), stamped_at=then + DAY / 2, crls=lists, lta=True)
    found = judged(data)
    one = found.signatures[0]
    assert (found.verdict, one.level) == (PASSED, "B-LTA"), found.reasons
    assert one.best_time is not None
    assert one.best_time < NOW - 50 * DAY
    assert any(each.startswith("crl:") for each in one.revocation)
    assert judged(papers.signed_pdf(papers.short_lived())).verdict is OPEN


def test_a_further_signature_is_no_change_to_the_first():
    data = papers.signed_pdf(data=papers.signed_pdf(), field="Signature2")
    found = judged(data)
    assert [(each.verdict, each.uncovered) for each in found.signatures] == [
        (PASSED, ("later-form-data",)), (PASSED, ()),
    ]  # fmt: skip


def test_a_page_replaced_after_signing_is_named_as_a_change():
    output = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(papers.signed_pdf()))
    page = writer.find_page_for_modification(0)[0].get_object()
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.update_container(page)
    writer.write(output)
    found = judged(output.getvalue())
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE)
    assert found.signatures[0].uncovered == ("later-changes",)
    assert "changed-after-signing" in [each.code for each in found.reasons]


def on_page(*, above=(), rotate=0, **boxes):
    """Return a PDF of one page with these boxes, of which those ``above`` stand in the node over it."""
    writer = IncrementalPdfFileWriter(io.BytesIO(papers.plain_pdf()))
    page = writer.find_page_for_modification(0)[0].get_object()
    tree = writer.root["/Pages"]
    if "MediaBox" not in boxes:
        boxes["MediaBox"] = (0, 0, 600, 800)
    del page["/MediaBox"], page["/Rotate"]
    for name, box in boxes.items():
        values = generic.ArrayObject([writer.add_object(generic.NumberObject(each)) for each in box])
        (tree if name in above else page)[f"/{name}"] = values
    (tree if "Rotate" in above else page)["/Rotate"] = generic.NumberObject(rotate)
    writer.update_container(page)
    writer.update_container(tree)
    output = io.BytesIO()
    writer.write(output)
    return papers.signed_pdf(data=output.getvalue(), box=(60, 80, 240, 160))


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ({}, (0.1, 0.8, 0.3, 0.1)),
        ({"above": ("MediaBox",)}, (0.1, 0.8, 0.3, 0.1)),
        ({"above": ("Rotate",), "rotate": 90}, (0.1, 0.1, 0.1, 0.3)),
        ({"rotate": 180}, (0.6, 0.1, 0.3, 0.1)),
        ({"rotate": -90}, (0.8, 0.6, 0.1, 0.3)),
        ({"CropBox": (0, 0, 300, 400)}, (0.2, 0.6, 0.6, 0.2)),
        ({"CropBox": (300, 400, -50, -50), "above": ("CropBox",)}, (0.2, 0.6, 0.6, 0.2)),
        ({"CropBox": (0, 0, 300, 400), "rotate": 270}, (0.6, 0.2, 0.2, 0.6)),
    ],
)
def test_a_signature_is_framed_where_it_stands_on_the_page_as_it_is_drawn(page, place):
    shown = judged(on_page(**page)).signatures[0].place
    assert shown is not None
    assert (shown.left, shown.top, shown.width, shown.height) == pytest.approx(place)


# CMS


def test_cms_with_its_content_passes():
    found = judged(papers.signed_cms())
    assert (found.verdict, found.format, found.signer) == (PASSED, "cms", "Chan Tai Man")


def test_cms_in_pem_is_read():
    assert judged(pem.armor("CMS", papers.signed_cms())).verdict is PASSED


@pytest.mark.parametrize("attributes", [True, False])
@pytest.mark.parametrize("gm", [True, False])
def test_sm2_cms_passes_in_both_forms_with_signed_attributes_and_without(attributes, gm):
    found = judged(papers.sm2_cms(attributes=attributes, gm=gm))
    assert (found.verdict, found.sub_indication, found.signer) == (PASSED, None, "李小明"), found.signatures


def test_sm2_cms_over_other_content_fails():
    data = papers.sm2_cms(b"Pay 100 yuan")
    found = judged(data.replace(b"Pay 100 yuan", b"Pay 900 yuan"))
    assert (found.verdict, found.sub_indication) == (FAILED, SubIndication.HASH_FAILURE)
    bare = papers.sm2_cms(b"Pay 100 yuan", attributes=False)
    found = judged(bare.replace(b"Pay 100 yuan", b"Pay 900 yuan"))
    assert found.verdict is FAILED


def test_a_revoked_sm2_signer_does_not_pass():
    certificate, _ = papers.sm2_signer()
    lists = papers.sm2_crls([(certificate.serial_number, NOW - 2 * DAY)])
    found = judged(papers.sm2_cms(), trust(crls=lists))
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.REVOKED_NO_POE)


# JWS


def _url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jws(payload=b'{"a":1}', *, who=None, crit=None, alg="ES256"):
    who = who or papers.signer()
    chain = [base64.b64encode(each).decode() for each in (who.der, papers.authority().der)]
    header = {"alg": alg, "x5c": chain, "iat": int((NOW - DAY).timestamp())}
    if crit:
        header |= {"crit": crit, **dict.fromkeys(crit, "?")}
    text = f"{_url(json.dumps(header).encode())}.{_url(payload)}"
    r, s = decode_dss_signature(who.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{_url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}".encode()


def test_a_compact_jws_passes_and_says_when_it_claims_to_be_from():
    found = judged(jws())
    assert (found.verdict, found.format, found.signed_at) == (PASSED, "jws", NOW - DAY)


def test_a_flattened_jws_is_read_and_a_doubled_name_is_refused():
    protected, payload, signature = jws().decode().split(".")
    flat = json.dumps({"protected": protected, "payload": payload, "signature": signature})
    assert judged(flat.encode()).verdict is PASSED
    doubled = flat.replace('"payload"', '"payload": "", "payload"', 1)
    assert judged(doubled.encode()).reasons[0].code == "malformed-jws"


@pytest.mark.parametrize(
    ("change", "sub", "code"),
    [
        (lambda t: t.replace(b".", b".AA", 1), SubIndication.SIG_CRYPTO_FAILURE, "signature-does-not-hold"),
        (lambda _: jws(crit=["exp"]), SubIndication.SIG_CONSTRAINTS_FAILURE, "unknown-critical-header"),
        (lambda _: jws(alg="none"), SubIndication.GENERIC, "unsupported-algorithm"),
        (lambda _: jws(alg="RS256"), SubIndication.SIG_CRYPTO_FAILURE, "signature-does-not-hold"),
    ],
)
def test_a_jws_that_does_not_hold_says_why(change, sub, code):
    found = judged(change(jws()))
    assert (found.sub_indication, found.reasons[1].code) == (sub, code)


# OFD


@pytest.mark.parametrize("edition", [1, 4, 5])
def test_a_sealed_ofd_document_passes_in_each_edition(edition):
    found = judged(papers.sealed_ofd(edition))
    one = found.signatures[0]
    assert (found.verdict, found.format, found.signer) == (PASSED, "ofd", "李小明"), found.reasons
    assert (one.kind, one.intact, found.pages) == ("seal", True, 1)
    assert one.place is not None
    assert (one.place.page, round(one.place.left, 2)) == (1, 0.62)
    assert [each.code for each in found.reasons] == ["seal-made-by-its-signer"]


def test_the_report_says_who_made_a_seal():
    found = judged(papers.sealed_ofd(maker=papers.sm2_signer("深圳示范印章有限公司")))
    assert found.verdict is PASSED
    assert [(each.code, each.detail) for each in found.reasons] == [("seal-maker", "深圳示范印章有限公司")]
    assert "深圳示范印章有限公司" in labels.reason(found.reasons[0].code, found.reasons[0].detail)


@pytest.mark.parametrize("edition", [1, 4, 5])
def test_a_seal_that_nobody_known_made_does_not_pass_though_its_signer_is_known(edition):
    found = judged(papers.sealed_ofd(edition, maker=papers.sm2_nobody()))
    assert (found.verdict, found.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )
    assert "unknown-seal-maker" in [each.code for each in found.reasons]


def test_a_seal_that_has_ended_counts_only_by_a_proved_time():
    """Else whoever held it once may go on sealing, and state a time from before."""
    ended = {"until": NOW - 100 * DAY}
    for time, code in (
        (NOW - 150 * DAY, "ofd-seal-ended-since"),
        (NOW - DAY, "ofd-seal-not-valid-then"),
    ):
        found = judged(papers.sealed_ofd(time=time, **ended))
        assert (found.verdict, found.signatures[0].intact) == (OPEN, True)
        assert code in [each.code for each in found.reasons]
    assert judged(papers.sealed_ofd(), trust()).verdict is PASSED


def test_a_changed_ofd_page_fails_by_its_digest():
    found = judged(papers.sealed_ofd(changed=True))
    assert (found.verdict, found.sub_indication) == (FAILED, SubIndication.HASH_FAILURE)
    assert "ofd-signed-part-changed" in [each.code for each in found.reasons]


def test_a_revoked_seal_does_not_pass():
    certificate, _ = papers.sm2_signer()
    lists = papers.sm2_crls([(certificate.serial_number, NOW - 2 * DAY)])
    assert judged(papers.sealed_ofd(), trust(crls=lists)).sub_indication is SubIndication.REVOKED_NO_POE


# Everything else


def test_a_file_of_another_kind_has_no_verdict():
    assert judged(b"hello").reasons[0].code == "unknown-format"
    assert judged(papers.plain_pdf()).reasons[0].code == "no-signature"


@pytest.mark.parametrize(
    "head",
    [
        b"%PDF-1.7\n",
        b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02",
        b"<?xml version='1.0'?><a",
        b"eyJ.a.b",
        b"PK\x03\x04 OFD.xml",
    ],
)
def test_a_file_that_only_begins_like_a_format_fails_by_its_format(head):
    found = judged(head + bytes(200))
    assert (found.verdict, found.sub_indication) == (FAILED, SubIndication.FORMAT_FAILURE)


@pytest.mark.parametrize("make", [papers.signed_cms, jws, papers.sealed_ofd])
def test_a_file_larger_than_is_read_says_nothing_of_its_signatures(make, monkeypatch):
    data = make()
    monkeypatch.setattr(base, "MAX_WHOLE", len(data) - 1)
    found = judged(data)
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.GENERIC)
    assert [each.code for each in found.reasons] == ["too-large"]


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("MAX_PARTS", "ofd-too-many-parts"),
        ("MAX_UNPACKED", "ofd-unpacks-too-large"),
        ("MAX_ELEMENTS", "ofd-xml-too-large"),
        ("MAX_FILE", "ofd-too-large"),
    ],
)
def test_an_ofd_document_of_more_than_is_read_says_nothing_of_its_signatures(limit, code, monkeypatch):
    monkeypatch.setattr(limits, limit, 1)
    found = judged(papers.sealed_ofd())
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.GENERIC)
    assert [each.code for each in found.reasons] == [code]


def test_a_document_in_which_reading_goes_too_deep_says_nothing_of_its_signatures(monkeypatch):
    async def deep(*_):
        raise RecursionError

    monkeypatch.setattr(Pdf, "signatures", deep)
    found = judged(papers.signed_pdf())
    assert (found.verdict, found.reasons[0].code) == (OPEN, "too-complex")


def test_signatures_that_hold_are_computed_once():
    checker = Checker()
    engine = Engine(trust(), checker)
    data = papers.signed_pdf()
    first = validated(io.BytesIO(data), engine)
    computed = checker.computed
    assert computed >= 4
    assert validated(io.BytesIO(data), engine) == first
    assert checker.computed == computed
