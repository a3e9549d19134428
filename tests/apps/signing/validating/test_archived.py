"""Time-stamps of the archive in XML and JWS, and roots that were trusted for time-stamps once."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from functools import cache

import pytest

import signed_papers as papers
from apps.signing.validating import signed_text as text
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Period, Trust
from signed_papers import DAY, NOW

PASSED, OPEN = Verdict.TOTAL_PASSED, Verdict.INDETERMINATE
ISSUERS = (papers.root, papers.authority)


def lists(at, revoked=()):
    return (papers.crl(papers.root(), at=at, until=at + 2 * DAY),
            papers.crl(papers.authority(), revoked, at=at, until=at + 2 * DAY))  # fmt: skip


@cache
def short_stamper():
    """Return a time-stamping authority whose certificate ended before ``NOW``."""
    key = papers.rsa.generate_private_key(65537, 2048)
    return papers._issue("Short Time-Stamping", key, papers.root(), stamps=True, until=NOW - 40 * DAY)


def judged(data, **more):
    known = {"roots": (papers.root().der,), "crls": lists(NOW - DAY), "moment": NOW}
    return validated(io.BytesIO(data), Engine(Trust(**{**known, **more}), Checker()))


def archived_xml(  # noqa: PLR0913 - what an archive is made of
    *, signed=NOW - 60 * DAY, archived=NOW - 59 * DAY, archive_by=None, revoked=(), listed=None, who=None,
):  # fmt: skip
    """Return XML of somebody whose certificate has ended, as has the one of who stamped it."""
    root = text.enveloped(who or papers.short_lived())
    octets = b"<permit><fee>100</fee></permit>"
    text.with_signature_stamp(root, signed, who=short_stamper())
    text.with_lists(root, lists(listed or signed - DAY / 2, revoked))
    text.with_archive_stamp(root, octets, archived, **(archive_by or {}))
    return root


def archived_jws(*, dot=b".", archived=NOW - 59 * DAY):
    made = text.Jws(who=papers.short_lived())
    made.stamp(NOW - 60 * DAY, who=short_stamper())
    values = [{"val": text.b64(each)} for each in lists(NOW - 60.5 * DAY)]
    made.add(rVals={"crlVals": values})
    made.archive(archived, dot=dot)
    return made


def test_an_archived_xml_signature_outlives_its_certificate_and_its_first_time_stamps():
    found = judged(text.written(archived_xml()))
    one = found.signatures[0]
    assert (found.verdict, found.level) == (PASSED, "B-LTA"), (found.reasons, one.time_stamps)
    assert (one.best_time, one.time_source) == (NOW - 60 * DAY, "timestamp")
    assert [(each.kind, each.holds) for each in one.time_stamps] == [("signature", True), ("archive", True)]


def test_without_the_archive_the_same_signature_is_open():
    root = archived_xml()
    stamp = next(root.iter(f"{{{text.XADES_141}}}ArchiveTimeStamp"))
    stamp.getparent().remove(stamp)
    found = judged(text.written(root))
    assert (found.verdict, found.level) == (OPEN, "B-LT")
    assert [each.holds for each in found.signatures[0].time_stamps] == [False]


def test_what_was_put_in_before_an_archives_time_stamp_later_does_not_fit_it():
    root = archived_xml()
    holder = next(root.iter(f"{{{text.XADES}}}UnsignedSignatureProperties"))
    holder.insert(1, text.etree.fromstring(f"<x:CompleteCertificateRefs xmlns:x='{text.XADES}'/>"))
    found = judged(text.written(root))
    stamps = found.signatures[0].time_stamps
    assert (found.verdict, stamps[-1].holds, stamps[-1].sub_indication) == (
        OPEN, False, SubIndication.HASH_FAILURE,
    )  # fmt: skip


def test_an_archive_is_renewed_by_a_further_time_stamp():
    root = archived_xml(archived=NOW - 50 * DAY, archive_by={"who": short_stamper()})
    assert judged(text.written(root)).verdict is OPEN
    text.with_lists(root, lists(NOW - 50.5 * DAY))
    text.with_archive_stamp(root, b"<permit><fee>100</fee></permit>", NOW - 49 * DAY)
    found = judged(text.written(root))
    one = found.signatures[0]
    assert (found.verdict, one.best_time) == (PASSED, NOW - 60 * DAY), one.time_stamps
    assert [each.holds for each in one.time_stamps] == [True, True, True]


def test_a_revocation_before_the_signature_that_was_told_later_counts():
    """The archive holds a list from before the revocation; this node has one that tells of it."""
    serial = papers.short_lived().certificate.serial_number
    told = lists(NOW - 58 * DAY, [(serial, NOW - 61 * DAY)])
    found = judged(text.written(archived_xml()), crls=(*lists(NOW - DAY), *told))
    assert found.verdict is OPEN
    told = lists(NOW - 58 * DAY, [(serial, NOW - 59.5 * DAY)])
    assert judged(text.written(archived_xml()), crls=(*lists(NOW - DAY), *told)).verdict is PASSED


@pytest.mark.parametrize("who", [papers.short_lived, papers.signer])
@pytest.mark.parametrize(("days", "verdict"), [(61, OPEN), (59.5, PASSED)])
def test_a_revocation_that_was_told_after_the_archive_counts_where_its_lists_came_after_the_signature(
    who, days, verdict
):
    """At the signature's time the archive's list is of a later day: only the archive's own time uses it."""
    serial = who().certificate.serial_number
    data = text.written(archived_xml(listed=NOW - 59.5 * DAY, who=who()))
    known = (*lists(NOW - 58 * DAY, [(serial, NOW - days * DAY)]), papers.crl(papers.root(), at=NOW - DAY))
    assert judged(data).verdict is PASSED
    found = judged(data, crls=known)
    assert found.verdict is verdict, found.signatures


@pytest.mark.parametrize(("days", "holds"), [(61, False), (58.5, True)])
def test_a_revocation_of_a_time_stamping_authority_that_was_told_after_the_archive_counts(days, holds):
    gone = [(short_stamper().certificate.serial_number, NOW - days * DAY)]
    told = papers.crl(papers.root(), gone, at=NOW - DAY)
    found = judged(text.written(archived_xml()), crls=(told, papers.crl(papers.authority(), at=NOW - DAY)))
    # The archive's own time-stamp still shows that the signature existed by its time.
    one = found.signatures[0]
    assert (found.verdict, one.time_stamps[0].holds) == (PASSED, holds)
    assert one.time_source == ("timestamp" if holds else "archive")


def test_a_broken_time_stamp_of_the_archive_takes_nothing_from_the_signature():
    root = text.enveloped()
    text.with_signature_stamp(root, NOW - DAY)
    text.with_archive_stamp(root, b"<permit><fee>100</fee></permit>", NOW - DAY / 2)
    token = next(root.iter(f"{{{text.XADES_141}}}ArchiveTimeStamp"))[1]
    token.text = text.b64(b"0\x03nothing")
    found = judged(text.written(root))
    assert (found.verdict, [each.code for each in found.reasons]) == (PASSED, ["archive-time-stamp-unread"])


@pytest.mark.parametrize("dot", [b".", b""])
def test_an_archived_jws_outlives_its_certificate_in_the_readings_of_both_editions(dot):
    found = judged(archived_jws(dot=dot).written())
    one = found.signatures[0]
    assert (found.verdict, found.level, one.best_time) == (PASSED, "B-LTA", NOW - 60 * DAY), one.time_stamps


def test_a_jws_archive_over_something_else_proves_nothing():
    made = archived_jws(dot=b"..")
    found = judged(made.written())
    assert (found.verdict, found.signatures[0].time_stamps[-1].sub_indication) == (
        OPEN, SubIndication.HASH_FAILURE,
    )  # fmt: skip


# Roots that were trusted once


@cache
def old_root():
    return papers._issue("Old Time Root", papers._ec(), None, ca=True)


@cache
def old_stamper():
    key = papers.rsa.generate_private_key(65537, 2048)
    return papers._issue("Old Time-Stamping", key, old_root(), stamps=True)


def by_old_root(at):
    return papers.time_stamper(at, old_stamper(), old_root())


def _xml(at):
    root = text.enveloped()
    text.with_signature_stamp(root, at, who=old_stamper(), above=old_root())
    return text.written(root)


def _jws(at):
    made = text.Jws()
    made.stamp(at, who=old_stamper(), above=old_root())
    return made.written()


MAKERS = {
    "xml": _xml,
    "jws": _jws,
    "cms": lambda at: papers.signed_cms(stamper=by_old_root(at)),
    "pdf": lambda at: papers.signed_pdf(stamper=by_old_root(at)),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(("days", "verdict"), [(20, PASSED), (5, OPEN)])
def test_a_time_stamp_counts_if_its_root_was_trusted_at_the_time_that_it_states(kind, days, verdict):
    """The signer was revoked three days ago: all hangs on the time-stamp."""
    gone = [(papers.signer().certificate.serial_number, NOW - 3 * DAY)]
    known = (*lists(NOW - DAY, gone), papers.crl(old_root(), at=NOW - DAY))
    found = judged(
        MAKERS[kind](NOW - days * DAY),
        crls=known,
        time_roots=(old_root().der,),
        periods=(Period(old_root().der, until=NOW - 10 * DAY),),
    )
    assert found.verdict is verdict, found.signatures


@pytest.mark.parametrize("make", [papers.signed_cms, papers.signed_pdf])
@pytest.mark.parametrize(("days", "verdict"), [(20, PASSED), (5, OPEN)])
def test_the_way_to_a_root_may_lead_through_what_the_signature_brings_along(make, days, verdict):
    """The token names its authority alone; the certificate above it stands in the signature around it."""
    between = papers._issue("Old Time CA", papers._ec(), old_root(), ca=True)
    key = papers.rsa.generate_private_key(65537, 2048)
    who = papers._issue("Stamper", key, between, stamps=True)
    at = NOW - days * DAY
    gone = [(papers.signer().certificate.serial_number, NOW - 3 * DAY)]
    data = make(stamper=papers.time_stamper(at, who, papers.root()), embedded=[between])
    found = judged(
        data,
        crls=(*lists(NOW - DAY, gone), *(papers.crl(each, at=NOW - DAY) for each in (old_root(), between))),
        time_roots=(old_root().der,),
        periods=(Period(old_root().der, until=NOW - 10 * DAY),),
    )
    assert found.verdict is verdict, found.signatures


def test_another_certificate_of_the_same_name_does_not_hide_the_way_to_a_root_of_its_time():
    """A token may bring any certificates along: one under another root says nothing of the first."""
    key = papers.rsa.generate_private_key(65537, 2048)
    between = papers._issue("Old Time CA", papers._ec(), old_root(), ca=True)
    stamper = papers._issue("Stamper", key, between, stamps=True)
    decoy = papers._issue("Old Time CA", papers._ec(), papers.root(), ca=True)
    gone = [(papers.signer().certificate.serial_number, NOW - 3 * DAY)]
    known = (*lists(NOW - DAY, gone), *(papers.crl(each, at=NOW - DAY) for each in (old_root(), between)))
    for days, holds in ((20, True), (5, False)):
        made = papers.time_stamper(NOW - days * DAY, stamper, between)
        made.certs_to_embed.append(decoy.asn1)
        periods = (Period(old_root().der, until=NOW - 10 * DAY),)
        found = judged(
            papers.signed_cms(stamper=made), crls=known, time_roots=(old_root().der,), periods=periods
        )
        assert [each.holds for each in found.signatures[0].time_stamps] == [holds]


def test_a_root_that_is_trusted_again_counts_in_both_times():
    der, at = old_root().der, datetime(2026, 1, 1, tzinfo=UTC)
    trust = Trust(periods=(Period(der, until=at), Period(der, since=at + DAY)))
    assert [trust.stamps_at(der, each) for each in (at - DAY, at, at + DAY)] == [True, False, True]
    assert trust.stamps_at(papers.root().der, at)
    assert Trust.unpacked(trust.packed) == trust
