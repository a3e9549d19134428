"""Signatures that are made to last: by this node's own validation, by pyHanko's, and after all has ended."""

from __future__ import annotations

import asyncio
import io
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import crl, pem, x509
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer

import signed_papers as papers
from apps.signing.made import authority, entry
from core.exchange.authority import establish, serving
from kouan.apps.signing.commands import signing
from kouan.apps.signing.making import keys, longterm, office, orders, pdf, renewal
from kouan.apps.signing.making.errors import NotProvable
from kouan.apps.signing.making.pdf import Level
from kouan.apps.signing.models import ArchivedDocument, OfficeSignature, RevocationData
from kouan.apps.signing.validating import bundles, services
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.trust import Trust
from kouan.core.exchange.stamper import stamper
from kouan.demo.authorities import issue_crls, issue_signer
from kouan.sections import TimeSettings
from kouan.sections.signers import SignerSettings
from kouan.web.access import grant_role

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PAPER = papers.plain_pdf()


def der_of(data):
    return pem.unarmor(data)[2]


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    """A real time-stamping authority."""
    made = establish(tmp_path_factory.mktemp("clock"))
    with serving(made.reply) as url:
        made.url = url
        yield made


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An office's key and certificates, which end in ten days."""
    home = tmp_path_factory.mktemp("office")
    made = authority()
    certificate, key = issue_signer(made, "Office of Tests", until=datetime.now(UTC) + 10 * DAY)
    (home / "key").touch(mode=0o600)
    (home / "key").write_bytes(key)
    (home / "pem").write_bytes(certificate + made.issuing + made.root)
    return SignerSettings("office", "file", key=str(home / "key"), certificates=home / "pem")


def revocation(clock):
    """What authority and clock have revoked: nothing."""
    now = datetime.now(UTC)
    own = issue_crls(authority(), (), revoked_at=now, at=now - DAY, until=now + 9 * DAY)
    return [bundles.read(each, name="list") for each in (*own, *clock.lists())]


@pytest.fixture
def listed(node, settings, publish, clock, files):
    """A node whose list names the office's authority, with a clock and every revocation list."""
    settings.NODE = replace(settings.NODE, signers=(files,), time=TimeSettings(clock.url, clock.ca))
    publish(entry())
    bundles.store(revocation(clock), source="test")
    return settings.NODE


def found(content):
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return services.validate(file)


LATER = datetime.now(UTC) + 15 * DAY
"""The signer's certificate has ended by then, and no list tells any more what was revoked of its kind."""


def newest():
    """What the root has revoked by then: the issuing CA's own list is not there."""
    root, _issuing = issue_crls(authority(), (), revoked_at=LATER, at=LATER - DAY, until=LATER + DAY)
    return root


def much_later(content, clock):
    """By this node's own rules."""
    trust = Trust(
        roots=(der_of(authority().root),),
        time_roots=(der_of(clock.ca.read_bytes()),),
        crls=(newest(),),
        moment=LATER,
    )
    return validated(io.BytesIO(content), Engine(trust, Checker()))


def by_pyhanko(content, clock):
    """By the library as it comes."""
    roots = [x509.Certificate.load(der_of(each)) for each in (authority().root, clock.ca.read_bytes())]
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=roots),
        revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=REQUIRE_REVINFO),
    )
    spec = SignatureValidationSpec(
        cert_validation_policy=policy,
        revinfo_gathering_policy=RevocationInfoGatheringSpec(),
        local_knowledge=LocalKnowledge(known_crls=[CRLContainer(crl.CertificateList.load(newest()))]),
    )
    (one,) = PdfFileReader(io.BytesIO(content)).embedded_regular_signatures
    done = asyncio.run(
        ades.ades_lta_validation(
            one,
            PdfSignatureValidationSpec(spec),
            timing_info=ValidationTimingInfo(LATER, LATER, point_in_time_validation=True),
        )
    )
    return done.ades_subindic.standard_name


def test_an_office_signs_at_once_for_good(listed, clock):
    row = office.sign(PAPER, signer="office", owner="lee", file_name="a.pdf", level=Level.LTA)
    data = bytes(row.result)
    report = found(data)
    assert (report.verdict, report.level, report.recognised) == ("TOTAL-PASSED", "B-LTA", True)
    later = much_later(data, clock)
    assert (later.verdict, later.level) == ("TOTAL-PASSED", "B-LTA"), later.signatures
    assert by_pyhanko(data, clock) == "OK"
    # Without what was put in for later, the same signature proves nothing by then.
    short = bytes(office.sign(PAPER, signer="office", owner="lee", file_name="a.pdf", level=Level.T).result)
    assert much_later(short, clock).verdict == "INDETERMINATE"


def test_a_signature_without_a_time_stamp_is_raised_and_nothing_that_it_covers_changes(listed, clock):
    plain = pdf.sign(PAPER, keys.signer("office"))
    (one,) = PdfFileReader(io.BytesIO(plain)).embedded_regular_signatures
    _zero, before, after, _rest = (int(each) for each in one.byte_range)
    data = longterm.raised(plain)
    assert data[:before] == plain[:before]
    assert data[after : len(plain)] == plain[after:]
    assert (found(data).level, much_later(data, clock).verdict) == ("B-LTA", "TOTAL-PASSED")
    assert by_pyhanko(data, clock) == "OK"
    assert found(longterm.raised(plain, level=Level.LT)).level == "B-LT"
    # What is known of others is not put in.
    store = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(data)))
    assert len(store.crls) == 4


def test_what_is_kept_is_raised_first_and_its_renewals_hold_what_proves_the_stamp_before(listed, clock):
    number = longterm.keep(pdf.sign(PAPER, keys.signer("office")), file_name="licence.pdf")
    row = ArchivedDocument.objects.get(pk=number)
    raised = bytes(row.content)
    assert found(raised).level == "B-LTA"
    asked = len(clock.asked)
    assert longterm.keep(raised, file_name="licence.pdf") != number
    assert len(clock.asked) == asked  # it has a document time-stamp: it is kept as it is
    ArchivedDocument.objects.filter(pk=number).update(renew_at=datetime.now(UTC))
    assert renewal.renew_due()
    row.refresh_from_db()
    assert (row.renewals, row.problem) == (1, "")
    assert (found(bytes(row.content)).level, much_later(row.content, clock).verdict) == (
        "B-LTA", "TOTAL-PASSED",
    )  # fmt: skip


def test_a_renewal_brings_the_lists_on_the_authority_of_the_stamp_before(listed, clock):
    RevocationData.objects.all().delete()
    stamped = pdf.sign(PAPER, keys.signer("office"))
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415 - one use
    from pyhanko.sign.signers.pdf_signer import PdfTimeStamper  # noqa: PLC0415 - as above

    stamped = (
        PdfTimeStamper(stamper())
        .timestamp_pdf(
            IncrementalPdfFileWriter(io.BytesIO(stamped)), "sha256", bytes_reserved=32768, output=io.BytesIO()
        )
        .getvalue()
    )
    number = renewal.keep(stamped, file_name="a.pdf")
    bundles.store([bundles.read(each, name="list") for each in clock.lists()], source="test")
    ArchivedDocument.objects.filter(pk=number).update(renew_at=datetime.now(UTC))
    assert renewal.renew_due()
    row = ArchivedDocument.objects.get(pk=number)
    assert row.problem == ""
    store = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(bytes(row.content))))
    assert len(store.crls) == 2


def test_without_a_list_on_the_signer_nothing_is_signed_and_the_key_is_not_used(listed):
    RevocationData.objects.filter(issuer__contains="Issuing").delete()
    with pytest.raises(NotProvable, match="certificate of Office of Tests"):
        office.sign(PAPER, signer="office", owner="lee", file_name="a.pdf", level=Level.LTA)
    assert not OfficeSignature.objects.exists()


def test_what_could_not_be_proved_later_is_refused_with_the_reason(listed, settings):
    plain = pdf.sign(PAPER, keys.signer("office"))
    twice = pdf.sign(plain, keys.signer("office"))
    for content, told in (
        (PAPER, "no PDF with a signature"),
        (b"hello", "no PDF with a signature"),
        (plain[:20] + bytes([plain[20] ^ 1]) + plain[21:], "not valid|no PDF"),
        (papers.signed_pdf(), "not valid"),
        (twice, "Signature1 bears no time-stamp"),
    ):
        with pytest.raises(NotProvable, match=told):
            longterm.raised(content)
    settings.NODE = replace(settings.NODE, time=None)
    with pytest.raises(NotProvable, match=r"\[time\]"):
        longterm.raised(plain)


def test_each_of_two_signatures_with_time_stamps_lasts(listed, clock):
    once = pdf.sign(PAPER, keys.signer("office"), level=Level.T, stamper=stamper())
    data = longterm.raised(pdf.sign(once, keys.signer("office")))
    assert data.startswith(once)
    assert [each.level for each in much_later(data, clock).signatures if each.kind != "timestamp"] == [
        "B-LTA", "B-LTA",
    ]  # fmt: skip


def test_an_officer_signs_for_years_and_puts_it_into_the_archive(client, listed, django_user_model, clock):
    user = django_user_model.objects.create_user("lee")
    grant_role(user=user, role="signatory")
    client.force_login(user)
    page = client.get("/office-sign/").content.decode()
    assert "To be kept for years" in page
    given = {"signer": "office", "where": "inside", "level": "T", "reason": ""}
    sent = client.post("/office-sign/", {"file": SimpleUploadedFile("a.pdf", PAPER), **given})
    assert sent.status_code == 302, sent.content.decode()
    order = client.get(sent.url).content.decode()
    assert "Put it into the archive" in order
    kept = client.post(f"{sent.url}keep")
    assert kept.url == "/office-sign/archive/"
    assert found(bytes(ArchivedDocument.objects.get().content)).level == "B-LTA"
    RevocationData.objects.all().delete()
    refused = client.post(f"{sent.url}keep", follow=True).content.decode()
    assert "cannot be made to last" in refused
    assert ArchivedDocument.objects.count() == 1
    client.logout()
    assert client.post(f"{sent.url}keep").status_code in {302, 403}
    assert orders.SigningOrder.objects.count() == 1


def test_the_page_offers_each_level_that_there_is(client, listed, django_user_model):
    user = django_user_model.objects.create_user("lee")
    grant_role(user=user, role="signatory")
    client.force_login(user)
    page = client.get("/office-sign/").content.decode()
    assert all(f'name="level" type="radio" value="{level}"' in page for level in Level)
    given = {"signer": "office", "where": "inside", "level": "LT", "reason": ""}
    sent = client.post("/office-sign/", {"file": SimpleUploadedFile("a.pdf", PAPER), **given})
    assert found(client.get(f"{sent.url}file").content).level == "B-LT"


def test_the_program_raises_a_file_and_keeps_it(listed, tmp_path, clock):
    source, out, runner = tmp_path / "a.pdf", tmp_path / "b.pdf", CliRunner()
    source.write_bytes(pdf.sign(PAPER, keys.signer("office")))
    told = runner.invoke(signing, ["raise", str(source), "--out", str(out), "--keep"])
    assert told.exit_code == 0, told.output
    assert "B-LTA" in told.output
    assert found(out.read_bytes()).level == "B-LTA"
    (row,) = runner.invoke(signing, ["archive"]).output.splitlines()
    assert row.split("\t")[1::3] == ["kept", "a.pdf"]
    out.unlink()
    refused = runner.invoke(signing, ["raise", __file__, "--out", str(out)])
    assert (refused.exit_code, out.exists()) == (1, False)
    assert "cannot be made to last" in refused.output
