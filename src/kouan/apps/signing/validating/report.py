"""The report on a file: one model for every format, as JSON the API's and the program's answer.

Two questions are kept apart: whether a signature holds (``verdict``, ETSI EN 319 102-1 section 5.1.3), and
whether the trust lists of the two sides recognise who made it (``recognised``).
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by pydantic at run time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from kouan.apps.signing.lists.domain import CertificateType  # noqa: TC001 - read by pydantic at run time

if TYPE_CHECKING:
    from collections.abc import Iterable

POLICY: Final = "urn:kouan:signing:validation-policy:1"
"""What a signature is judged by: the checks of this version, whose description is in the docs."""
MOST_SIGNATURES: Final = 200
"""Signatures of one file that are judged; of a file with more none is."""


class Verdict(StrEnum):
    """The main status indication (ETSI EN 319 102-1 table 5)."""

    TOTAL_PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    TOTAL_FAILED = "TOTAL-FAILED"


_WORSE: Final = (Verdict.TOTAL_PASSED, Verdict.INDETERMINATE, Verdict.TOTAL_FAILED)


class SubIndication(StrEnum):
    """Why a signature does not pass (ETSI EN 319 102-1 tables 5 and 6)."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    GENERIC = "GENERIC"


FAILURES: Final = frozenset(
    {
        SubIndication.FORMAT_FAILURE,
        SubIndication.HASH_FAILURE,
        SubIndication.SIG_CRYPTO_FAILURE,
        SubIndication.REVOKED,
    }
)
"""What makes a signature TOTAL-FAILED; every other sub-indication leaves it INDETERMINATE."""

Format = Literal["pdf", "cms", "xml", "jws", "ofd"]
Level = Literal["B-B", "B-T", "B-LT", "B-LTA"]
TimeSource = Literal["archive", "timestamp", "now"]
Uncovered = Literal["later-changes", "later-form-data", "later-archival", "other-parts", "unsigned-elements"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Reason(_Part):
    """Why a verdict is what it is: a stable code, and what it is about."""

    code: str = Field(pattern=r"^[a-z0-9-]{2,60}$")
    detail: str = Field(default="", max_length=300)


class Party(_Part):
    """A certificate's subject or issuer, as it names itself."""

    name: str = Field(max_length=300)
    """The common name, or the organisation where there is none."""
    organisation: str = Field(default="", max_length=300)
    country: str = Field(default="", max_length=8)


class Certificate(_Part):
    """One certificate of the chain, the signer's first."""

    subject: Party
    issuer: Party
    serial: str
    """Hexadecimal."""
    fingerprint: str
    """SHA-256 of the DER encoding, 64 hex digits."""
    not_before: datetime
    not_after: datetime
    policies: tuple[str, ...] = ()
    """Dotted object identifiers."""
    types: tuple[CertificateType, ...] = ()
    """Of which types of the trust lists it may be by what it says itself; none for a CA's or a machine's."""
    types_stated: bool = True
    """Whether it says so outright, or its holder's names only tell it."""


class TimeStamp(_Part):
    """One time-stamp (RFC 3161) over a signature or a document."""

    kind: Literal["signature", "document", "content", "archive"]
    at: datetime
    authority: str = Field(max_length=300)
    holds: bool
    sub_indication: SubIndication | None = None


class Place(_Part):
    """Where a signature is shown: the page, and its box in fractions of the page from the top left corner."""

    page: int
    left: float
    top: float
    width: float
    height: float


class Recognition(_Part):
    """What the trust lists say, at the best signature time."""

    recognised: bool
    reason: str
    """Stable code: ``recognised``, ``unknown-root``, ``no-policy``, …"""
    at: datetime | None = None
    entry: str = ""
    list_side: str = ""
    list_sequence: int = 0
    list_digest: str = ""
    """SHA-256 of the edition that was judged by, in hex."""


class Signature(_Part):
    """What was found about one signature."""

    id: str = Field(max_length=200)
    """The field, the attribute or the number by which the document itself knows it."""
    kind: Literal["signature", "seal", "timestamp"] = "signature"
    seal: str = Field(default="", max_length=300)
    """The seal's name, as its maker gave it."""
    verdict: Verdict
    sub_indication: SubIndication | None = None
    intact: bool
    """Whether what it covers is unchanged and the signature's arithmetic holds, whoever made it."""
    level: Level = "B-B"
    signature_algorithm: str = ""
    digest_algorithm: str = ""
    claimed_at: datetime | None = None
    """When the signer says that they signed; nobody vouches for it."""
    best_time: datetime | None = None
    """From when on the signature is known to have existed (EN 319 102-1 section 5.5)."""
    time_source: TimeSource = "now"
    chain: tuple[Certificate, ...] = ()
    time_stamps: tuple[TimeStamp, ...] = ()
    uncovered: tuple[Uncovered, ...] = ()
    uncovered_parts: tuple[str, ...] = ()
    """Names of the parts, at most 50."""
    place: Place | None = None
    reasons: tuple[Reason, ...] = ()
    recognition: Recognition | None = None
    revocation: tuple[str, ...] = ()
    """Digests of the revocation data that the document carries, ``sha256:…``."""

    @property
    def signer(self) -> str:
        """The signer's name, as the certificate has it."""
        return self.chain[0].subject.name if self.chain else ""

    @property
    def recognised(self) -> bool:
        """Whether the signature holds and the lists recognise who made it."""
        return (
            self.verdict is Verdict.TOTAL_PASSED
            and self.recognition is not None
            and self.recognition.recognised
        )


class Pinned(_Part):
    """What the report was made with; the same input and the same of these give the same verdicts."""

    policy: str = POLICY
    lists: tuple[str, ...] = ()
    """``side:sequence:sha256``."""
    revocation: tuple[str, ...] = ()
    """``crl:sha256`` and ``ocsp:sha256`` of what this node had at hand."""
    validated_at: datetime | None = None
    software: str = ""


class FileReport(_Part):
    """The report on one file. The first eight fields are its summary."""

    verdict: Verdict | None
    """The worst of the signatures'; ``None`` where there is none.

    No pass where a document was given beside the file that not every signature is about."""
    sub_indication: SubIndication | None = None
    recognised: bool = False
    """Whether the file passed and every signature is recognised."""
    signer: str = ""
    signed_at: datetime | None = None
    format: Format | None = None
    level: Level | None = None
    reasons: tuple[Reason, ...] = ()
    digest: str = ""
    """SHA-256 of the file, 64 hex digits."""
    size: int = 0
    pages: int = 0
    document_digest: str = ""
    """SHA-256 of the document that was given beside a detached signature, 64 hex digits.

    Empty unless every signature in the file is about it."""
    signatures: tuple[Signature, ...] = ()
    pinned: Pinned = Pinned()

    @property
    def lacks_document(self) -> bool:
        """Whether a signature came without what it is about, and nothing was given beside it."""
        if {"document-beside-unused", "document-beside-too-large"} & {each.code for each in self.reasons}:
            return False
        code = "signed-data-not-found" if self.format == "cms" else "signed-data-elsewhere"
        return any(each.code == code for one in self.signatures for each in one.reasons)


def indication(sub: SubIndication | None) -> Verdict:
    """Return the main indication that a sub-indication belongs to."""
    if sub is None:
        return Verdict.TOTAL_PASSED
    return Verdict.TOTAL_FAILED if sub in FAILURES else Verdict.INDETERMINATE


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of some verdicts."""
    return max(verdicts, key=_WORSE.index)


def unreadable(  # noqa: PLR0913 - what is known of such a file
    code: str,
    sub: SubIndication = SubIndication.FORMAT_FAILURE,
    *,
    detail: str = "",
    format_: Format | None = None,
    digest: str = "",
    size: int = 0,
) -> FileReport:
    """Return the report on a file whose signatures cannot be read."""
    return FileReport(
        verdict=indication(sub),
        sub_indication=sub,
        format=format_,
        reasons=(Reason(code=code, detail=detail),),
        digest=digest,
        size=size,
    )


def summed(  # noqa: PLR0913 - what a report is made of
    signatures: Iterable[Signature],
    *,
    format_: Format,
    digest: str,
    size: int,
    pages: int,
    pinned: Pinned,
    notes: tuple[Reason, ...] = (),
) -> FileReport:
    """Return the report of a file from its signatures; the summary is about the worst of them.

    ``notes`` are about the file, whatever its signatures say, also where it has none.
    """
    found = tuple(signatures)
    counted = [each for each in found if each.kind != "timestamp"] or list(found)
    if not counted:
        return FileReport(
            verdict=None, format=format_, reasons=(Reason(code="no-signature"), *notes),
            digest=digest, size=size, pages=pages, pinned=pinned,
        )  # fmt: skip
    verdict = worst(each.verdict for each in counted)
    first = next(each for each in counted if each.verdict is verdict)
    return FileReport(
        verdict=verdict,
        **summary_of(first),
        recognised=all(each.recognised for each in counted),
        format=format_,
        reasons=_reasons(first, (*left_out(counted), *notes)),
        digest=digest,
        size=size,
        pages=pages,
        signatures=found,
        pinned=pinned,
    )


def summary_of(signature: Signature) -> dict[str, Any]:
    """Return what a file's summary tells of the signature that it is about, by the fields' names."""
    return {
        "sub_indication": signature.sub_indication,
        "signer": signature.signer,
        "signed_at": signature.best_time if signature.time_source != "now" else signature.claimed_at,
        "level": signature.level,
    }


def left_out(signatures: Iterable[Signature]) -> tuple[Reason, ...]:
    """Return what signatures do not cover as reasons of a summary: whoever reads no more must read that."""
    found = [
        Reason(code=each, detail=", ".join(one.uncovered_parts)[:300])
        for one in signatures
        for each in one.uncovered
    ]
    return tuple(dict.fromkeys(found))


def _reasons(signature: Signature, notes: tuple[Reason, ...]) -> tuple[Reason, ...]:
    found = [*signature.reasons, *(each for each in notes if each not in signature.reasons)]
    if signature.recognition is not None and not signature.recognition.recognised:
        found.append(Reason(code=signature.recognition.reason))
    return tuple(found)
