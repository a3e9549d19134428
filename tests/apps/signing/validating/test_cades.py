"""Archives of CMS signatures: time-stamps with an index of what they cover, and what is carried along."""

from __future__ import annotations

import asyncio
import hashlib
import io
from functools import cache

import pytest
from asn1crypto import algos, cms, core, ocsp

import signed_papers as papers
from apps.signing.validating.test_archived import OPEN, PASSED, judged, lists, short_stamper
from apps.signing.validating.test_ocsp import response, signer
from kouan.apps.signing.validating.formats import cades
from kouan.apps.signing.validating.report import SubIndication
from signed_papers import DAY, NOW

BODY = b"A permit"
V3, OLD = "0.4.0.19122.1.5", "0.4.0.1733.2.5"
ARCHIVE = "0.4.0.1733.2.4"


class Digests(core.SequenceOf):
    _child_spec = core.OctetString


class Parts(core.SequenceOf):
    _child_spec = core.Any


class Made:
    """A CMS signature that grows as ETSI EN 319 122-1 has it."""

    def __init__(self, who=None, *, stamped=NOW - 60 * DAY, detached=False):
        by = papers.time_stamper(stamped, who=short_stamper()) if stamped else None
        data = papers.signed_cms(who or papers.short_lived(), content=BODY, stamper=by, detached=detached)
        self.content = cms.ContentInfo.load(data)

    @property
    def signed(self):
        return self.content["content"]

    @property
    def signer(self):
        return self.signed["signer_infos"][0]

    def carry(self, crls, ocsps=()):
        """Put lists and responses where a signature of level LT has them (RFC 5652, RFC 5940)."""
        held = [cms.RevocationInfoChoice("crl", cms.CertificateList.load(each)) for each in crls]
        for each in ocsps:
            other = {"other_rev_info_format": "ocsp_response", "other_rev_info": ocsp.OCSPResponse.load(each)}
            held.append(cms.RevocationInfoChoice("other", cms.OtherRevocationInfoFormat(other)))
        before = self.signed["crls"]
        kept = [] if isinstance(before, core.Void) else list(before)
        self.signed["crls"] = cms.RevocationInfoChoices([*kept, *held])
        return self

    def attributes(self):
        held = self.signer["unsigned_attrs"]
        return [] if isinstance(held, core.Void) else list(held)

    def add(self, kind, value):
        added = cms.CMSAttribute({"type": kind, "values": cms.SetOfAny([core.Any.load(value)])})
        self.signer["unsigned_attrs"] = cms.CMSAttributes([*self.attributes(), added])
        return self

    def index(self, kind=V3, *, digest="sha256", without=()):
        """What an archive's time-stamp names as covered: everything that is here, but kinds ``without``."""

        def of(data):
            return hashlib.new(digest, data).digest()

        values = [
            of(each["type"].dump() + value.dump()) if kind == V3 else of(each.dump())
            for each in self.attributes()
            if each["type"].dotted not in without
            for value in each["values"]
        ]
        crls = self.signed["crls"]
        found = [
            Digests([of(each.dump()) for each in self.signed["certificates"]]),
            Digests([] if isinstance(crls, core.Void) else [of(each.dump()) for each in crls]),
            Digests(values),
        ]
        if kind == V3 or digest != "sha256":
            found.insert(0, algos.DigestAlgorithm({"algorithm": digest}))
        return Parts([core.Any.load(each.dump()) for each in found])

    def archive(self, at=NOW - 59 * DAY, *, kind=V3, who=None, **of_index):
        """Add a time-stamp of the archive (section 5.5.3)."""
        index = self.index(kind, **of_index).dump()
        over = self.signed["encap_content_info"]["content_type"].dump() + hashlib.sha256(BODY).digest()
        for field in (
            "version",
            "sid",
            "digest_algorithm",
            "signed_attrs",
            "signature_algorithm",
            "signature",
        ):
            over += self.signer[field].dump()
        stamper = papers.time_stamper(at, who=who)
        token = asyncio.run(stamper.async_timestamp(hashlib.sha256(over + index).digest(), "sha256"))
        token = cms.ContentInfo.load(token.dump())  # the helper hands out the same one for the same digest
        own = token["content"]["signer_infos"][0]
        own["unsigned_attrs"] = cms.CMSAttributes(
            [cms.CMSAttribute({"type": kind, "values": cms.SetOfAny([core.Any.load(index)])})]
        )
        return self.add(ARCHIVE, token.dump(force=True))

    def written(self):
        return self.content.dump(force=True)


@cache
def archived(kind=V3):
    return Made().carry(lists(NOW - 60.5 * DAY)).archive(kind=kind).written()


@pytest.mark.parametrize("kind", [V3, OLD])
def test_an_archived_cms_signature_outlives_its_certificate_and_its_first_time_stamps(kind):
    found = judged(archived(kind))
    one = found.signatures[0]
    assert (found.verdict, found.level) == (PASSED, "B-LTA"), (found.reasons, one.time_stamps)
    assert (one.best_time, one.time_source) == (NOW - 60 * DAY, "timestamp")
    assert [(each.kind, each.holds) for each in one.time_stamps] == [("signature", True), ("archive", True)]
    assert (one.signature_algorithm, one.digest_algorithm) == ("sha256_ecdsa", "sha256")


def test_without_the_archive_the_same_cms_signature_is_open():
    made = Made().carry(lists(NOW - 60.5 * DAY))
    found = judged(made.written())
    assert (found.verdict, found.level) == (OPEN, "B-LT")
    assert judged(made.archive(who=short_stamper()).written()).verdict is OPEN


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
def test_an_index_may_be_by_another_digest(digest):
    made = Made().carry(lists(NOW - 60.5 * DAY)).archive(digest=digest)
    assert judged(made.written()).verdict is PASSED


def test_an_index_by_a_weak_digest_is_not_read():
    found = judged(Made().carry(lists(NOW - 60.5 * DAY)).archive(digest="md5").written())
    assert (found.verdict, found.reasons[-1].code) == (OPEN, "archive-time-stamp-unread")


@pytest.mark.parametrize("lost", ["crls", "certificates", "attributes"])
def test_an_archive_that_names_what_is_no_more_here_fits_nothing(lost):
    made = Made().carry(lists(NOW - 60.5 * DAY))
    made.add("1.2.3.4.5", core.Integer(1).dump()).archive()
    if lost == "crls":
        made.signed["crls"] = cms.RevocationInfoChoices(list(made.signed["crls"])[:1])
    elif lost == "certificates":
        made.signed["certificates"] = cms.CertificateSet(
            [each for each in made.signed["certificates"] if each.chosen.serial_number == _serial(made)]
        )
    else:
        kept = [each for each in made.attributes() if each["type"].dotted != "1.2.3.4.5"]
        made.signer["unsigned_attrs"] = cms.CMSAttributes(kept)
    found = judged(made.written())
    stamp = found.signatures[0].time_stamps[-1]
    assert (found.verdict, stamp.holds, stamp.sub_indication) == (OPEN, False, SubIndication.HASH_FAILURE)


def _serial(made):
    return made.signer["sid"].chosen["serial_number"].native


def test_what_is_added_after_the_archive_takes_nothing_from_it():
    made = Made().carry(lists(NOW - 60.5 * DAY)).archive()
    made.carry(lists(NOW - DAY)).add("1.2.3.4.5", core.Integer(1).dump())
    assert judged(made.written()).verdict is PASSED


def test_a_time_stamp_that_the_archive_does_not_cover_is_not_shown_to_have_existed_by_its_time():
    """Somebody may put a time-stamp of an authority that is broken by now beside an archive."""
    made = Made().carry(lists(NOW - 60.5 * DAY)).archive(without={"1.2.840.113549.1.9.16.2.14"})
    one = judged(made.written()).signatures[0]
    assert [each.holds for each in one.time_stamps] == [False, True]
    assert (one.best_time, one.time_source) == (NOW - 59 * DAY, "archive")


def test_an_archive_of_cms_is_renewed_by_a_further_time_stamp_in_whatever_order_the_two_stand():
    made = Made().carry(lists(NOW - 60.5 * DAY)).archive(NOW - 50 * DAY, who=short_stamper())
    assert judged(made.written()).verdict is OPEN
    made.carry(lists(NOW - 50.5 * DAY)).archive(NOW - 49 * DAY)
    for order in (1, -1):
        made.signer["unsigned_attrs"] = cms.CMSAttributes(made.attributes()[::order])
        found = judged(made.written())
        one = found.signatures[0]
        assert (found.verdict, one.best_time) == (PASSED, NOW - 60 * DAY), one.time_stamps
        assert [each.holds for each in one.time_stamps] == [True, True, True]


def test_a_changed_document_fails_whatever_its_archive_says():
    data = archived().replace(BODY, b"A pardon")
    assert data != archived()
    assert judged(data).sub_indication is SubIndication.HASH_FAILURE


def test_an_archive_over_another_signature_proves_nothing():
    other = Made(papers.signer()).carry(lists(NOW - 60.5 * DAY)).archive()
    made = Made().carry(lists(NOW - 60.5 * DAY))
    made.add(ARCHIVE, next(v for k, v in cades._unsigned(other.signer) if k == ARCHIVE).dump())
    found = judged(made.written())
    assert (found.verdict, found.signatures[0].time_stamps[-1].holds) == (OPEN, False)


def test_an_archive_that_is_no_good_takes_nothing_from_a_signature_that_is():
    """Nothing protects what stands beside a signature: who put it there may be anybody."""
    for kind, value in ((ARCHIVE, b"\x30\x00"), (ARCHIVE, b"\x05\x00"), ("0.4.0.1733.2.2", b"\x05\x00")):
        made = Made(papers.signer(), stamped=None)
        found = judged(made.add(kind, value).written())
        assert (found.verdict, [each.code for each in found.reasons]) == (
            PASSED, ["archive-time-stamp-unread"],
        )  # fmt: skip
    made = Made(papers.signer(), stamped=None).archive(NOW - DAY, who=short_stamper())
    found = judged(made.written())
    assert (found.verdict, [each.holds for each in found.signatures[0].time_stamps]) == (PASSED, [False])


def test_older_forms_of_archives_are_told_of():
    made = Made().carry(lists(NOW - 60.5 * DAY)).add("1.2.840.113549.1.9.16.2.48", b"\x30\x00")
    found = judged(made.written())
    assert (found.verdict, found.reasons[-1].code) == (OPEN, "archive-time-stamp-unread")


def test_lists_that_stand_in_a_cms_signature_are_used():
    data = Made(papers.signer(), stamped=None).carry(lists(NOW - DAY)).written()
    assert judged(data, crls=()).verdict is PASSED
    assert judged(Made(papers.signer(), stamped=None).written(), crls=()).verdict is OPEN
    revoked = [(papers.signer().certificate.serial_number, NOW - 2 * DAY)]
    data = Made(papers.signer(), stamped=None).carry(lists(NOW - DAY, revoked)).written()
    assert judged(data, crls=()).sub_indication is SubIndication.REVOKED_NO_POE


def test_a_cms_around_a_pdf_is_judged_as_what_it_is():
    for data in (papers.signed_cms(content=papers.plain_pdf()), papers.sm2_cms(papers.plain_pdf())):
        assert b"%PDF-" in data[:1024]
        roots = (papers.root().der, papers.sm2_root().certificate.dump())
        known = (papers.authority().der, papers.sm2_authority().certificate.dump())
        found = judged(data, roots=roots, certificates=known, crls=(*lists(NOW - DAY), *papers.sm2_crls()))
        assert (found.format, found.verdict) == ("cms", PASSED), found.reasons


def test_a_detached_signature_with_an_archive_covers_the_document_beside_it():
    from kouan.apps.signing.validating.algorithms import Checker  # noqa: PLC0415 - for this alone
    from kouan.apps.signing.validating.engine import Engine  # noqa: PLC0415 - as above
    from kouan.apps.signing.validating.pipeline import validated  # noqa: PLC0415 - as above
    from kouan.apps.signing.validating.trust import Trust  # noqa: PLC0415 - as above

    made = Made(detached=True).carry(lists(NOW - 60.5 * DAY)).archive()
    engine = Engine(Trust(roots=(papers.root().der,), crls=lists(NOW - DAY), moment=NOW), Checker())
    found = validated(io.BytesIO(made.written()), engine, io.BytesIO(BODY))
    assert (found.verdict, found.level) == (PASSED, "B-LTA"), found.signatures
    assert validated(io.BytesIO(made.written()), engine, io.BytesIO(b"other")).verdict is not PASSED


def _in_the_signature(made, answer):
    return made.carry((papers.crl(papers.root()),), [answer])


def _as_an_attribute(made, answer):
    """Put lists and the basic response alone into ``revocation-values`` (RFC 5126 section 6.3.4)."""
    basic = ocsp.OCSPResponse.load(answer)["response_bytes"]["response"].parsed.dump()
    crls = Parts([core.Any.load(papers.crl(papers.root()))]).dump()
    ocsps = Parts([core.Any.load(basic)]).dump()
    return made.add("1.2.840.113549.1.9.16.2.24", _held(0x30, _held(0xA0, crls) + _held(0xA1, ocsps)))


def _held(tag, der):
    return bytes([tag, 0x82]) + len(der).to_bytes(2, "big") + der


@pytest.mark.parametrize("held", [_in_the_signature, _as_an_attribute])
def test_ocsp_responses_that_stand_in_a_cms_signature_are_used(held):
    alone = Made(signer(), stamped=None).carry((papers.crl(papers.root()),))
    assert judged(alone.written(), crls=()).verdict is OPEN
    found = judged(held(Made(signer(), stamped=None), response()).written(), crls=())
    assert found.verdict is PASSED, found.reasons
    revoked = held(Made(signer(), stamped=None), response(revoked_at=NOW - 2 * DAY))
    assert judged(revoked.written(), crls=()).sub_indication is SubIndication.REVOKED_NO_POE
