"""Signatures in PDF files: PAdES (ETSI EN 319 142-1) from B to LTA, and older ones (ISO 32000-2)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, Final

from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, ModificationLevel
from pyhanko.sign.general import find_cms_attribute_iter
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec
from pyhanko.sign.validation.status import SignatureCoverageLevel

from kouan.apps.signing.validating import report
from kouan.apps.signing.validating.engine import Carried, Judged, chain_of, knowable, sub_of
from kouan.apps.signing.validating.formats import base
from kouan.apps.signing.validating.naming import party
from kouan.apps.signing.validating.report import Reason, Signature, SubIndication

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

    from kouan.apps.signing.validating.engine import Engine

_LATER: Final[dict[Any, tuple[report.Uncovered, ...]]] = {
    ModificationLevel.NONE: (),
    ModificationLevel.LTA_UPDATES: ("later-archival",),
    ModificationLevel.FORM_FILLING: ("later-form-data",),
}
_UNSIZED: Final = (0.0, 0.0, 612.0, 792.0)
"""The page that the renderer draws where a document does not say how large it is."""
_DEEPEST: Final = 50
"""Levels of the page tree that are gone up for what a page inherits; one that leads back to itself ends."""


class Pdf:
    """PDF files."""

    name: report.Format = "pdf"

    def sniff(self, head: bytes, _file: IO[bytes]) -> bool:
        """Whether a file begins as PDF does; some writers put bytes before it (ISO 32000-2 annex I)."""
        return b"%PDF-" in head[:1024]

    async def signatures(
        self,
        file: IO[bytes],
        size: int,  # noqa: ARG002 - the protocol's: it is read where it lies
        judge: Engine,
        beside: base.Beside | None = None,  # noqa: ARG002 - the protocol's: such a signature is within
    ) -> base.Found:
        """Return the signatures and document time-stamps in a file, in the order in which they were made."""
        try:
            reader = PdfFileReader(file, strict=False)
            if reader.encrypted:
                raise base.Unreadable(  # noqa: TRY301 - the next clause lets it pass
                    "encrypted", SubIndication.SIGNED_DATA_NOT_FOUND
                )
            embedded = base.all_of(reader.embedded_signatures)
            pages = int(reader.root["/Pages"].get("/Count", 0))
        except base.Unreadable:
            raise
        except Exception:  # noqa: BLE001 - a PDF can be malformed in ways for which the library has no error
            raise base.Unreadable("malformed-pdf") from None
        found = [await self._one(each, embedded, judge) for each in embedded]
        return base.Found(tuple(found), min(max(pages, 0), 1_000_000))

    async def _one(
        self, one: EmbeddedPdfSignature, all_: list[EmbeddedPdfSignature], judge: Engine
    ) -> Signature:
        try:
            return await _judged(one, all_, judge)
        except Exception as error:  # noqa: BLE001 - as above: what cannot be read fails, and the others are judged
            return base.malformed(_field(one), error)


async def raw_validation(
    one: EmbeddedPdfSignature, judge: Engine, *, stamped_later: Sequence[EmbeddedPdfSignature]
) -> Any:
    """Return what the process of the signature's level says (EN 319 102-1 sections 5.3 to 5.6).

    The process for archived signatures would report one without any time-stamp wrongly, so that has its own.
    """
    timing = judge.timing()
    own = list(extract_tst_data_iter(one.signer_info, signed=False))
    tokens = [*own, *(each.signed_data for each in stamped_later)]
    store, around = carried(one), (one.signed_data,)
    if own and stamped_later:
        # The library reads the security store itself; here it says to which roots the time-stamps may lead.
        stamps = judge.spec(store, tokens, around).ts_cert_validation_policy
        spec = replace(judge.spec(), ts_cert_validation_policy=stamps)
        return await ades.ades_lta_validation(
            one, PdfSignatureValidationSpec(spec, diff_policy=DEFAULT_DIFF_POLICY), timing_info=timing
        )
    process = ades.ades_with_time_validation if own else ades.ades_basic_validation
    return await process(
        one.signed_data,
        judge.spec(store, own, around),
        timing_info=timing,
        raw_digest=one.compute_digest(),
    )


def carried(one: EmbeddedPdfSignature) -> Carried | None:
    """Return what the security store and the signature's own archive hold; ``None`` for nothing."""
    certificates: list[bytes] = []
    crls: list[bytes] = []
    ocsps: list[bytes] = []
    try:
        store = DocumentSecurityStore.read_dss(one.reader)
        certificates += [each.dump() for each in store.load_certs()]
        crls += [each.get_object().read_data(DecodePurpose.CRL) for each in store.crls]
        ocsps += [each.get_object().read_data(DecodePurpose.OCSP_RESPONSE) for each in store.ocsps]
    except NoDSSFoundError:
        pass
    for archive in find_cms_attribute_iter(one.signer_info["signed_attrs"], "adobe_revocation_info_archival"):
        crls += [each.dump() for each in archive["crl"] or ()]
        ocsps += [each.dump() for each in archive["ocsp"] or ()]
    if not certificates and not crls and not ocsps:
        return None
    return knowable(certificates, crls, ocsps)


def after_changes(sub: SubIndication | None, one: EmbeddedPdfSignature) -> tuple[SubIndication | None, str]:
    """Return the sub-indication once the rest of the file is looked at, and the reason if that changed it.

    What a reader of the file sees must be what was signed: bytes that no signature can leave out make the
    format fail, and changes after signing that the signer did not permit leave it undetermined.
    """
    coverage: Any = one.coverage
    if coverage is None or coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        return SubIndication.FORMAT_FAILURE, "gap-in-signed-bytes"
    if not one.summarise_integrity_info()["docmdp_ok"] and sub not in report.FAILURES:
        return SubIndication.SIG_CONSTRAINTS_FAILURE, "changed-after-signing"
    return sub, ""


async def _judged(one: EmbeddedPdfSignature, all_: list[EmbeddedPdfSignature], judge: Engine) -> Signature:
    one.compute_integrity_info(diff_policy=DEFAULT_DIFF_POLICY)
    later = [each for each in all_ if _is_stamp(each) and each.signed_revision > one.signed_revision]
    store = carried(one)
    if _is_stamp(one):
        stamp = await judge.judge_time_stamp(
            one.signed_data, one.compute_digest, carried=store or Carried(), kind="document"
        )
        status, sub = None, stamp.sub_indication
        best, source, stamps = _at(stamp)
        intact = sub is None or sub not in report.FAILURES
    else:
        result = await raw_validation(one, judge, stamped_later=later)
        status, sub = result.api_status, sub_of(result.ades_subindic)
        intact = bool(status is not None and status.intact and status.valid)
        best, source, stamps = _times(result, judge)
    sub, reason = after_changes(sub, one)
    judged = Judged(
        sub=sub,
        chain=chain_of(None if status is None else status.validation_path, one.signer_cert),
        best_time=best,
        time_source=source,
        time_stamps=tuple(stamps),
    )
    stamped = next(extract_tst_data_iter(one.signer_info, signed=False), None) is not None
    found: Any = one.diff_result
    # A result without a level is a change that the library would not explain away.
    otherwise = ModificationLevel.NONE if found is None else ModificationLevel.OTHER
    changes = getattr(found, "modification_level", otherwise)
    algorithm = one.signer_info["signature_algorithm"]["algorithm"]
    return base.signature(
        id_=_field(one),
        judged=judged,
        intact=intact,
        kind="timestamp" if _is_stamp(one) else "signature",
        level="B-LTA" if later and stamped else "B-LT" if stamped and store else "B-T" if stamped else "B-B",
        extra=[Reason(code=reason)] if reason else [],
        signature_algorithm=str(algorithm.native),
        digest_algorithm=one.md_algorithm,
        claimed_at=_claimed(one),
        uncovered=_LATER.get(changes, ("later-changes",)),
        place=_place(one),
        revocation=_digests(store),
    )


def _at(stamp: report.TimeStamp) -> tuple[Any, report.TimeSource, list[report.TimeStamp]]:
    """Return when a time-stamp of the document is from, as of a signature."""
    return stamp.at, "timestamp", [stamp]


def _is_stamp(one: EmbeddedPdfSignature) -> bool:
    return str(one.sig_object_type) == "/DocTimeStamp"


def _field(one: EmbeddedPdfSignature) -> str:
    try:
        return str(one.field_name)
    except Exception:  # noqa: BLE001 - a name that is no text
        return "?"


def _claimed(one: EmbeddedPdfSignature) -> Any:
    try:
        at = one.self_reported_timestamp
    except Exception:  # noqa: BLE001 - a date that is none; nobody vouches for it anyway
        return None
    return at if at is None or at.tzinfo is not None else at.astimezone()


def _times(result: Any, judge: Engine) -> tuple[Any, report.TimeSource, list[report.TimeStamp]]:
    """Return when the signature is known to have existed, by what, and its time-stamps."""
    stamps: list[report.TimeStamp] = []
    status = result.api_status
    validity = getattr(status, "timestamp_validity", None)
    if validity is not None and validity.timestamp is not None:
        stamps.append(
            report.TimeStamp(
                kind="signature",
                at=validity.timestamp,
                authority=party(validity.signing_cert.subject).name,
                holds=bool(validity.intact and validity.valid and validity.trusted),
            )
        )
    now = judge.timing().validation_time
    best = getattr(result, "best_signature_time", None)
    if best is None or best >= now:
        return now, "now", stamps
    archived = getattr(result, "oldest_evidence_record_timestamp", None)
    return best, "archive" if archived is not None and archived == best else "timestamp", stamps


def _place(one: EmbeddedPdfSignature) -> report.Place | None:
    """Return where the signature is shown; ``None`` for one that is not, or that does not say."""
    try:
        left, bottom, right, top = _rectangle(one.sig_field["/Rect"])
        number = _page_number(one.reader, one.sig_field.raw_get("/P").reference)
        if number is None or right == left or top == bottom:
            return None
        page = one.reader.find_page_for_modification(number)[0].get_object()
        x0, y0, x1, y1 = _drawn(page)
        across, down = (left - x0) / (x1 - x0), (y1 - top) / (y1 - y0)
        width, height = (right - left) / (x1 - x0), (top - bottom) / (y1 - y0)
        for _ in range(_quarters(page)):  # each turns the page clockwise: what was its left edge is its top
            across, down, width, height = 1 - down - height, across, height, width
        return report.Place(page=number + 1, left=across, top=down, width=width, height=height)
    except Exception:  # noqa: BLE001 - where it is shown decides nothing
        return None


def _drawn(page: Any) -> tuple[float, float, float, float]:
    """Return what is drawn of a page: its crop box within its media box (ISO 32000-2 section 14.11.2)."""
    media = _inherited(page, "/MediaBox")
    x0, y0, x1, y1 = _UNSIZED if media is None else _rectangle(media)
    crop = _inherited(page, "/CropBox")
    if crop is None:
        return x0, y0, x1, y1
    left, bottom, right, top = _rectangle(crop)
    left, bottom, right, top = max(left, x0), max(bottom, y0), min(right, x1), min(top, y1)
    return (left, bottom, right, top) if left < right and bottom < top else (x0, y0, x1, y1)


def _quarters(page: Any) -> int:
    """Return by how many quarters of a turn, clockwise, a page is drawn (ISO 32000-2 table 31)."""
    return int(_inherited(page, "/Rotate") or 0) // 90 % 4


def _rectangle(box: Any) -> tuple[float, float, float, float]:
    """Return a rectangle from the bottom left to the top right: it may name any two opposite corners."""
    x0, y0, x1, y1 = (float(box[at]) for at in range(4))
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _inherited(page: Any, name: str) -> Any:
    """Return an attribute of a page, or of the nearest node above it that has it; ``None`` if none has."""
    node = page
    for _ in range(_DEEPEST):
        if node is None:
            break
        found = _value(node, name)
        if found is not None:
            return found
        node = _value(node, "/Parent")
    return None


def _value(node: Any, name: str) -> Any:
    try:
        return node[name]
    except KeyError:  # also what the library makes of a null
        return None


def _page_number(reader: PdfFileReader, wanted: Any) -> int | None:
    for number in range(min(int(reader.root["/Pages"]["/Count"]), 500)):
        if reader.find_page_for_modification(number)[0].reference == wanted:
            return number
    return None


def _digests(store: Carried | None) -> tuple[str, ...]:
    if store is None:
        return ()
    found = [("crl", each) for each in store.crls] + [("ocsp", each) for each in store.ocsps]
    return tuple(f"{kind}:{hashlib.sha256(data).hexdigest()}" for kind, data in found)
