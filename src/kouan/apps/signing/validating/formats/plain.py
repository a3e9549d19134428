"""What all signatures but the seals of OFD have in common: a certificate, and time-stamps beside them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from asn1crypto import cms

from kouan.apps.signing.validating import keys, report
from kouan.apps.signing.validating.engine import Carried, Judged
from kouan.apps.signing.validating.formats import base
from kouan.apps.signing.validating.report import Reason, Signature, SubIndication

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from asn1crypto import x509

    from kouan.apps.signing.validating.engine import Engine
    from kouan.apps.signing.validating.report import Place, TimeStamp, Uncovered

MAX_STAMPS = 20
"""Time-stamps of one signature that are looked at."""


class Refused(Exception):
    """A signature that does not pass, whoever made it: why, by the standard's word and by a reason's code."""

    def __init__(self, sub: SubIndication, code: str) -> None:
        super().__init__(code)
        self.sub = sub
        self.code = code


@dataclass(frozen=True, slots=True)
class Archive:
    """A time-stamp over a signature and all that was known of it by then."""

    token: bytes
    """DER."""
    covered: tuple[Callable[[str], bytes], ...]
    """The digest of what it must be over, by the digest's name: the readings that editions of the standard
    have of it. None for one that names something as covered that is not here: it fits nothing."""
    over: frozenset[bytes] | None = None
    """The time-stamps that it covers, by ``token_digest``; ``None`` for all that come before it."""

    def covers(self, token: bytes) -> bool:
        """Whether it covers another time-stamp, of those that come before it."""
        return self.over is None or token_digest(token) in self.over


@dataclass(frozen=True, slots=True)
class Held:
    """A signature whose arithmetic holds, and what is around it."""

    id: str
    certificate: x509.Certificate
    algorithm: str
    """What the report calls it."""
    digest: str
    claimed_at: datetime | None
    carried: Carried
    stamps: Sequence[bytes]
    """Time-stamp tokens over the signature, in DER."""
    imprint: Callable[[str], bytes]
    """The digest that such a token must hold, by the digest's name."""
    uncovered: tuple[Uncovered, ...] = ()
    uncovered_parts: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    archives: Sequence[Archive] = ()
    """In the order of the document: each covers those before it."""
    amiss: Refused | None = None
    """Why it does not pass, whoever made it and when: what is shown may not be what was signed."""
    place: Place | None = None
    revocation: tuple[str, ...] = ()
    """Digests of the revocation data that the document carries."""


async def judged(held: Held, judge: Engine) -> Signature:
    """Return the report on a signature that holds: who made it, and when (EN 319 102-1 sections 5.5, 5.6)."""
    archives, holding, unread = await _archives(held, judge)
    archived = min((each.at for each in archives if each.holds), default=None)
    stamps: list[TimeStamp] = [
        await judge.judge_time_stamp(
            token_of(token), held.imprint, carried=held.carried, proof=_proof(holding, token)
        )
        for token in list(held.stamps)[:MAX_STAMPS]
    ]
    stamped = min((each.at for each in stamps if each.holds), default=None)
    proof = min((each for each in (archived, stamped) if each is not None), default=None)
    found = await judge.judge_certificate(held.certificate, carried=held.carried, proof=proof)
    for at in sorted({each.at for each in archives if each.holds}, reverse=True):
        # What was good when it was archived is good: everything that is needed to say so was covered then.
        if found.sub is None or found.sub in report.FAILURES or found.revoked_at is not None:
            break
        found = await judge.past(at).judge_certificate(held.certificate, carried=held.carried, proof=proof)
        if found.sub is None and proof is not None:
            # What was told after the archive was made counts, too.
            found = await judge.revoked_by(proof, held.certificate, carried=held.carried) or found
    if stamps and proof is None and found.sub is None:
        found = replace(found, sub=stamps[0].sub_indication)
    reasons = (*held.reasons, *([Reason(code="archive-time-stamp-unread")] if unread else ()))
    found, why = outweighed(found, held.amiss)
    known = bool(held.carried.crls or held.carried.ocsps)
    source: report.TimeSource = "now"
    if proof is not None:
        source = "timestamp" if stamped is not None and proof == stamped else "archive"
    return base.signature(
        id_=held.id,
        judged=replace(found, time_stamps=(*stamps, *archives), best_time=proof or found.best_time,
                       time_source=source),
        intact=True,
        level=level(stamped=bool(stamps), known=known, archived=bool(archives)),
        extra=(*why, *reasons),
        signature_algorithm=held.algorithm,
        digest_algorithm=held.digest,
        claimed_at=held.claimed_at,
        uncovered=held.uncovered,
        uncovered_parts=held.uncovered_parts[:50],
        place=held.place,
        revocation=held.revocation,
    )  # fmt: skip


def outweighed(found: Judged, amiss: Refused | None) -> tuple[Judged, tuple[Reason, ...]]:
    """Return how a signature is judged beside which something is amiss, and the reason."""
    if amiss is None:
        return found, ()
    if amiss.sub in report.FAILURES or found.sub not in report.FAILURES:
        found = replace(found, sub=amiss.sub)
    return found, (Reason(code=amiss.code),)


def level(*, stamped: bool, known: bool, archived: bool) -> report.Level:
    """Return the level of a signature by what was added to it."""
    if not stamped:
        return "B-B"
    if not known:
        return "B-T"
    return "B-LTA" if archived else "B-LT"


_Holding: TypeAlias = list[tuple[Archive, "datetime"]]
"""The archive's time-stamps that hold, and when they were made."""


async def _archives(held: Held, judge: Engine) -> tuple[list[TimeStamp], _Holding, bool]:
    """Judge the archive's time-stamps, the last first: each shows that those before it existed by its time.

    Also says whether one could not be read: nothing protects them, so it takes nothing from a signature.
    """
    found: list[TimeStamp] = []
    holding: _Holding = []
    unread = len(held.archives) > MAX_STAMPS
    for each in reversed(held.archives[-MAX_STAMPS:]):
        try:
            token = token_of(each.token)
            proof = _proof(holding, each.token)
            stamp = await judge.judge_time_stamp(
                token, _imprint(token, each), carried=held.carried, kind="archive", proof=proof
            )
        except Exception:  # noqa: BLE001 - the libraries' errors on foreign bytes are many
            unread = True
            continue
        if stamp.holds:
            holding.append((each, stamp.at))
        found.insert(0, stamp)
    return found, holding, unread


def _proof(holding: _Holding, token: bytes) -> datetime | None:
    """Return by when a time-stamp existed, as those of the archive show that cover it."""
    return min((at for each, at in holding if each.covers(token)), default=None)


def over(octets: Callable[[], bytes]) -> Callable[[str], bytes]:
    """Return the digest of what is made only when it is asked for, by the digest's name."""
    return lambda name: keys.digest(name, octets())


def _imprint(token: cms.SignedData, archive: Archive) -> Callable[[str], bytes]:
    said = token["encap_content_info"]["content"].parsed["message_imprint"]["hashed_message"].native

    def of(name: str) -> bytes:
        read = [covered(name) for covered in archive.covered]
        return next((each for each in read if each == said), read[0] if read else b"")

    return of


def refused(id_: str, error: Refused, **more: Any) -> Signature:
    """Return the report on a signature that does not pass, whoever made it."""
    return base.signature(
        id_=id_, judged=Judged(error.sub), intact=False, extra=[Reason(code=error.code)], **more
    )


def token_digest(der: bytes) -> bytes:
    """Return by what a time-stamp is known among others."""
    return hashlib.sha256(der).digest()


def token_of(der: bytes) -> cms.SignedData:
    """Return a time-stamp token's signed data; raises ``Refused`` for something else."""
    content = cms.ContentInfo.load(der, strict=True)
    if content["content_type"].native != "signed_data":
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-time-stamp")
    signed: cms.SignedData = content["content"]
    return signed


def from_base64(text: str | bytes | None) -> bytes:
    """Return the bytes of base64 (RFC 4648 section 4), blanks left out; raises ``Refused``."""
    raw = "".join((text.decode("ascii", "replace") if isinstance(text, bytes) else text or "").split())
    try:
        return base64.b64decode(raw, validate=True)
    except (ValueError, binascii.Error):
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-base64") from None
