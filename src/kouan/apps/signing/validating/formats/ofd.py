"""Signatures and seals in OFD documents (GB/T 33190, GB/T 38540), as ``signing.ofd`` finds them."""

from __future__ import annotations

from dataclasses import replace
from typing import IO, TYPE_CHECKING, Final

from asn1crypto import cms

from kouan.apps.signing.ofd import reading
from kouan.apps.signing.ofd.algorithms import NAMES
from kouan.apps.signing.ofd.codes import MEANING, CheckName, Code, Problem, Status
from kouan.apps.signing.ofd.errors import UnreadableOfd
from kouan.apps.signing.validating import keys, report
from kouan.apps.signing.validating.engine import Carried, Judged, knowable
from kouan.apps.signing.validating.formats import base
from kouan.apps.signing.validating.naming import party
from kouan.apps.signing.validating.report import Reason, Signature, SubIndication
from kouan.core.trust import sm2_certificates

if TYPE_CHECKING:
    from datetime import datetime

    from asn1crypto import x509

    from kouan.apps.signing.ofd.reading import Document
    from kouan.apps.signing.ofd.result import OfdSignature
    from kouan.apps.signing.validating.engine import Engine

_INTEGRITY: Final = (
    CheckName.FORMAT,
    CheckName.PARTS,
    CheckName.DESCRIPTION,
    CheckName.VALUE,
    CheckName.SEAL,
)
_UNREAD: Final = {
    Problem.ENCRYPTED: SubIndication.SIGNED_DATA_NOT_FOUND,
    **dict.fromkeys(
        (Problem.TOO_LARGE, Problem.TOO_MANY, Problem.BOMB, Problem.XML_TOO_LARGE), SubIndication.GENERIC
    ),
}
"""What is wrong with a document that says nothing of its signatures: it is closed, or more than is read."""
_MOST_REASONS: Final = 20


class Ofd:
    """OFD documents."""

    name: report.Format = "ofd"

    def sniff(self, head: bytes, file: IO[bytes]) -> bool:
        """Whether a file is a ZIP container with the root of an OFD document, wherever in it that stands."""
        return head[:4] == b"PK\x03\x04" and reading.looks_like(file)

    async def signatures(
        self,
        file: IO[bytes],
        size: int,
        judge: Engine,
        beside: base.Beside | None = None,  # noqa: ARG002 - the protocol's: such a signature is within
    ) -> base.Found:
        """Return the signatures that the document's lists name."""
        try:
            document = reading.read(base.whole(file, size))
        except UnreadableOfd as error:
            sub = _UNREAD.get(error.problem, SubIndication.FORMAT_FAILURE)
            raise base.Unreadable(error.problem.value, sub, detail=error.part) from None
        notes = tuple(
            Reason(code=note.value, detail=", ".join(names)[:300]) for note, names in document.notes
        )
        found = []
        for each in base.all_of(reading.signatures(document)):
            try:
                found.append(await _judged(each, document, notes, judge))
            except Exception as error:  # noqa: BLE001 - what cannot be read fails, and the others are judged
                found.append(base.malformed(each.identifier, error))
        return base.Found(tuple(found), document.pages, notes)


async def _judged(
    one: OfdSignature, document: Document, notes: tuple[Reason, ...], judge: Engine
) -> Signature:
    reasons = [Reason(code=each.code.value, detail=", ".join(each.names)[:300]) for each in one.reasons]
    own = next((each for each in one.reasons if each.status is not Status.PASSED), None)
    sub = None if own is None else SubIndication(own.sub_indication)
    certificate = None if one.certificate is None else sm2_certificates.load(one.certificate.der)
    checks = [one.check(name) for name in _INTEGRITY]
    intact = all(each is not None and each.status is Status.PASSED for each in checks if each is not None)
    intact = intact and one.check(CheckName.VALUE) is not None
    carried = knowable(one.certificates, (), ())
    stamps = await _stamps(one, judge, carried)
    if certificate is None:
        judged = Judged(sub or SubIndication.NO_SIGNING_CERTIFICATE_FOUND)
    else:
        proof = min((each.at for each in stamps if each.holds), default=None)
        judged = await judge.judge_certificate(certificate, carried=carried, proof=proof)
        if sub is not None and (sub in report.FAILURES or judged.sub is None):
            judged = replace(judged, sub=sub)
        if judged.sub is None and not await _made_by_somebody_known(one, judge, carried, proof):
            judged = replace(judged, sub=SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
            reasons.append(Reason(code="unknown-seal-maker"))
        if judged.sub is None and _seal_ended(one, proof or judge.timing().validation_time):
            judged = replace(judged, sub=SubIndication(MEANING[Code.SEAL_ENDED_SINCE][1]))
            reasons.append(Reason(code=Code.SEAL_ENDED_SINCE.value))
        if one.seal is not None:
            reasons.append(_maker(one.seal.maker.der, certificate))
    uncovered = () if one.coverage is None else tuple(name for name, _ in one.coverage.uncovered)
    return base.signature(
        id_=one.identifier,
        judged=replace(judged, time_stamps=tuple(stamps)),
        intact=intact,
        kind="seal" if one.kind == "seal" else "signature",
        seal="" if one.seal is None else one.seal.name[:300],
        level="B-T" if any(each.holds for each in stamps) else "B-B",
        extra=[*reasons, *notes][:_MOST_REASONS],
        signature_algorithm=NAMES.get(one.algorithm, one.algorithm),
        digest_algorithm=NAMES.get(one.digest, one.digest),
        claimed_at=one.time if one.time is None or one.time.tzinfo else one.time.astimezone(),
        uncovered=("other-parts",) if uncovered else (),
        uncovered_parts=uncovered[:50],
        place=_place(one, document),
    )


async def _made_by_somebody_known(
    one: OfdSignature, judge: Engine, carried: Carried, proof: datetime | None
) -> bool:
    """Whether a seal's maker has a certificate under a trusted root: else its picture proves nothing."""
    if one.seal is None:
        return True
    maker = sm2_certificates.load(one.seal.maker.der)
    return (await judge.judge_certificate(maker, carried=carried, proof=proof)).sub is None


def _maker(maker: bytes, signer: x509.Certificate) -> Reason:
    """Return the note of who made a seal: nobody else vouches for its picture."""
    if maker == signer.dump():
        return Reason(code="seal-made-by-its-signer")
    return Reason(code="seal-maker", detail=party(sm2_certificates.load(maker).subject).name)


def _seal_ended(one: OfdSignature, at: datetime) -> bool:
    """Whether a seal was not valid at the best signature time: the signer's own claim proves nothing."""
    return one.seal is not None and not one.seal.since <= at <= one.seal.until


async def _stamps(one: OfdSignature, judge: Engine, carried: Carried) -> list[report.TimeStamp]:
    if one.time_stamp is None or one.time_stamped is None:
        return []
    over = one.time_stamped
    content = cms.ContentInfo.load(one.time_stamp, strict=True)
    return [
        await judge.judge_time_stamp(
            content["content"], lambda name: keys.digest(name, over), carried=carried
        )
    ]


def _place(one: OfdSignature, document: Document) -> report.Place | None:
    """Return where the seal stands first; ``None`` where it does not say, or names no page."""
    for stamp in one.stamps:
        number = 0
        for body in document.bodies:
            for page in body.pages:
                number += 1
                left, top, width, height = page.box
                if body.root == one.document and page.identifier == stamp.page and width and height:
                    x, y, across, down = stamp.box
                    return report.Place(
                        page=number,
                        left=(x - left) / width,
                        top=(y - top) / height,
                        width=across / width,
                        height=down / height,
                    )
    return None
