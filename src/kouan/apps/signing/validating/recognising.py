"""What the trust lists say of the signers in a report, at the best signature time. No framework."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.signing.lists import domain
from kouan.apps.signing.validating import report
from kouan.apps.signing.validating.report import Reason, Recognition, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from kouan.apps.signing.lists.domain import Edition
    from kouan.apps.signing.validating.report import FileReport, Signature

OVERDUE: Final = "list-overdue"
"""A yes by a list whose next edition should be here is none."""
SEAL_OF_ANOTHER: Final = "seal-of-another"
"""A seal that does not bear the name of who holds the certificate that it was put on with."""
_SEAL_ENDS: Final = re.compile(r"(之?印|印章|私印|私章|名章|章|签名|簽名|签章|簽章)$")
_BODY_ENDS: Final = re.compile(
    r"((电子|電子)?(公章|印章|法人章|章)|之?印"
    r"|(合同|合約|财务|財務|发票|發票|业务|業務|审批|審批|行政审批|行政審批|证照|證照)?(专用|專用)章"
    r"|((official|company|corporate|common)?seal))$"
)
NOT_ASKED: Final = "recognition-not-asked"
"""The signature itself could not be confirmed, so no way to a root was looked for."""


def with_recognition(found: FileReport, editions: Collection[Edition], *, now: datetime) -> FileReport:
    """Return a report with what the lists say of each signer, and the editions pinned that were asked."""
    certificates = {
        fingerprint: der
        for edition in editions
        for entry in edition.entries
        for fingerprint, der in (
            (entry.root_fingerprint, entry.root),
            (entry.issuing_fingerprint, entry.issuing_ca),
        )
    }
    judged = tuple(
        each if each.kind == "timestamp" else _with(each, editions, certificates, now=now)
        for each in found.signatures
    )
    counted = [each for each in judged if each.kind != "timestamp"]
    alike = [each for each in counted if each.verdict is found.verdict]
    # The summary is about the first of the worst. Of signatures that all pass, the worst is not recognised.
    before = next(iter(alike), None)
    shown = next(
        (each for each in alike if each.verdict is Verdict.TOTAL_PASSED and not each.recognised), before
    )
    reasons, summary = found.reasons, dict[str, Any]()
    if before is not None and shown is not None and shown is not before:
        about_others = (each for each in reasons if each not in before.reasons)
        reasons = tuple(dict.fromkeys((*shown.reasons, *about_others)))
        summary = report.summary_of(shown)
    if shown is not None and shown.recognition is not None and not shown.recognition.recognised:
        reasons = (*reasons, Reason(code=shown.recognition.reason))
    pinned = found.pinned.model_copy(
        update={"lists": tuple(f"{each.side}:{each.sequence}:{each.digest.hex()}" for each in editions)}
    )
    return found.model_copy(
        update={
            **summary,
            "signatures": judged,
            "recognised": found.verdict is Verdict.TOTAL_PASSED
            and bool(counted)
            and all(each.recognised for each in counted),
            "reasons": reasons,
            "pinned": pinned,
        }
    )


def _with(
    one: Signature, editions: Collection[Edition], certificates: dict[str, bytes], *, now: datetime
) -> Signature:
    return one.model_copy(update={"recognition": recognition(one, editions, certificates, now=now)})


def is_own_seal(seal: str, holder: str, *, body: bool = False) -> bool:
    """Whether a seal names who holds the certificate that it was put on with, as ``李小明之印`` does.

    A ``body`` has other endings than a person: ``示范机关公章``.
    """
    named, own = ("".join(unicodedata.normalize("NFKC", each).split()).casefold() for each in (seal, holder))
    return bool(own) and own in {named, (_BODY_ENDS if body else _SEAL_ENDS).sub("", named)}


def _without_persons(edition: Edition) -> Edition:
    """Return an edition without what it says of persons' certificates."""
    personal = domain.CertificateType.PERSONAL
    return replace(edition, entries=tuple(e for e in edition.entries if e.certificate_type is not personal))


def recognition(
    one: Signature, editions: Collection[Edition], certificates: dict[str, bytes], *, now: datetime
) -> Recognition:
    """Return what the lists say of one signer. Whose chain ends nowhere is not recognised."""
    at = one.best_time or now
    if len(one.chain) < 2:  # noqa: PLR2004 - a signer's certificate and at least its issuer's
        looked_for = one.intact or one.sub_indication is report.SubIndication.NO_CERTIFICATE_CHAIN_FOUND
        reason = domain.Reason.UNKNOWN_ROOT.value if looked_for else NOT_ASKED
        return Recognition(recognised=False, reason=reason, at=at)
    signer = one.chain[0]

    def asked(of: Collection[Edition]) -> domain.Recognition:
        return domain.recognise(
            of,
            root=certificates.get(one.chain[-1].fingerprint, b""),
            issuing_ca=certificates.get(one.chain[1].fingerprint, b""),
            types=domain.Types(frozenset(signer.types), declared=signer.types_stated),
            policies=signer.policies,
            at=at,
            issued_at=signer.not_before,
            now=now,
        )

    said, of_another = asked(editions), False
    if one.kind == "seal" and said.recognised and not is_own_seal(one.seal, signer.subject.name):
        # An entry for bodies makes it the seal of the body that the certificate names, and of no other.
        of_bodies = asked([_without_persons(each) for each in editions])
        names = {signer.subject.organisation, signer.subject.name}
        own = any(is_own_seal(one.seal, each, body=True) for each in names)
        of_another = not (of_bodies.recognised and own)
        said = said if of_another else of_bodies
    overdue = said.recognised and said.overdue
    return Recognition(
        recognised=said.recognised and not overdue and not of_another,
        reason=SEAL_OF_ANOTHER if of_another else OVERDUE if overdue else said.reason.value,
        at=at,
        entry="" if said.entry is None else said.entry.code,
        list_side="" if said.edition is None else said.edition.side,
        list_sequence=0 if said.edition is None else said.edition.sequence,
        list_digest="" if said.edition is None else said.edition.digest.hex(),
    )
