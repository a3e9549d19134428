"""Signatures in PDF files: PAdES (ETSI EN 319 142-1) from B to LTA, and older ones (ISO 32000-2)."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING, Any, Final

from asn1crypto import cms
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, ModificationLevel
from pyhanko.sign.general import find_cms_attribute_iter
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.status import SignatureCoverageLevel

from kouan.apps.signing.validating import keys, report
from kouan.apps.signing.validating.engine import Carried, Judged, knowable
from kouan.apps.signing.validating.formats import base, cades, fields, plain
from kouan.apps.signing.validating.formats.integrity import failed, integrity
from kouan.apps.signing.validating.formats.plain import Refused
from kouan.apps.signing.validating.report import Signature, SubIndication

if TYPE_CHECKING:
    from asn1crypto import x509
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
            pages = int(_value(reader.root["/Pages"], "/Count") or 0)
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
        except Refused as error:
            return base.broken(_field(one), error.sub, error.code)
        except Exception as error:  # noqa: BLE001 - as above: what cannot be read fails, and the others are judged
            return base.malformed(_field(one), error)


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


def _amiss(one: EmbeddedPdfSignature) -> Refused | None:
    """Return what is wrong with the rest of the file: what a reader of it sees must be what was signed.

    Bytes that no signature can leave out make the format fail. Changes after signing that the signer did not
    permit leave it undetermined, as does another value in a field that had one, unless the signer said that
    it may be changed.
    """
    if _leaves_out(one.coverage):
        return Refused(SubIndication.FORMAT_FAILURE, "gap-in-signed-bytes")
    if not one.summarise_integrity_info()["docmdp_ok"]:
        return Refused(SubIndication.SIG_CONSTRAINTS_FAILURE, "changed-after-signing")
    if "later-form-data" in _uncovered(one) and fields.changed(one):
        return Refused(SubIndication.SIG_CONSTRAINTS_FAILURE, "form-value-changed")
    return None


def _leaves_out(coverage: Any) -> bool:
    return coverage is None or coverage < SignatureCoverageLevel.ENTIRE_REVISION


async def _judged(one: EmbeddedPdfSignature, all_: list[EmbeddedPdfSignature], judge: Engine) -> Signature:
    one.compute_integrity_info(diff_policy=DEFAULT_DIFF_POLICY)
    store, amiss = carried(one) or Carried(), _amiss(one)
    around: dict[str, Any] = {
        "uncovered": _uncovered(one), "place": _place(one), "revocation": _digests(store)
    }  # fmt: skip
    named: dict[str, Any] = {
        "signature_algorithm": str(one.signer_info["signature_algorithm"]["algorithm"].native),
        "digest_algorithm": one.md_algorithm, "claimed_at": _claimed(one),
    }  # fmt: skip
    if _is_stamp(one):
        stamp = await judge.judge_time_stamp(
            one.signed_data, one.compute_digest, carried=store, kind="document"
        )
        judged = Judged(
            stamp.sub_indication,
            (one.signer_cert,),
            best_time=stamp.at,
            time_source="timestamp",
            time_stamps=(stamp,),
        )
        intact, kind = stamp.sub_indication not in report.FAILURES, "timestamp"
    else:
        found = await integrity(one.signed_data, judge, digest=one.compute_digest())
        if found.sub is None:
            around["amiss"] = amiss
            return await plain.judged(_held(one, all_, found.certificate, store, around), judge)
        judged, intact, kind = await failed(found, one.signed_data, judge), found.intact, "signature"
    judged, reasons = plain.outweighed(judged, amiss)
    return base.signature(
        id_=_field(one), judged=judged, intact=intact, kind=kind, extra=reasons, **around, **named
    )


def _held(
    one: EmbeddedPdfSignature,
    all_: list[EmbeddedPdfSignature],
    certificate: x509.Certificate,
    store: Carried,
    around: dict[str, Any],
) -> plain.Held:
    """Return a signature whose arithmetic holds, with what the file holds to judge it by."""
    stamps = list(find_cms_attribute_iter(one.signer_info["unsigned_attrs"], "signature_time_stamp_token"))
    # Of level B is a signature without a time-stamp of its own, whatever was stamped after it.
    later = _archives(one, all_) if stamps else []
    value = bytes(one.signer_info["signature"].native)
    signed = (one.signed_data, *(each["content"] for each in stamps), *(each.signed_data for each in later))
    certificates = [der for each in signed for der in cades.certificates(each)]
    return plain.Held(
        id=_field(one),
        certificate=certificate,
        algorithm=str(one.signer_info["signature_algorithm"]["algorithm"].native),
        digest=one.md_algorithm,
        claimed_at=_claimed(one),
        carried=knowable((*certificates, *store.certificates), store.crls, store.ocsps),
        stamps=[each.dump() for each in stamps],
        imprint=lambda name: keys.digest(name, value),
        archives=[plain.Archive(_token(each.signed_data), (each.compute_digest,)) for each in later],
        **around,
    )


def _archives(one: EmbeddedPdfSignature, all_: list[EmbeddedPdfSignature]) -> list[EmbeddedPdfSignature]:
    """Return the document's time-stamps that cover a signature, the oldest first."""
    found = [
        each
        for each in all_
        if _is_stamp(each)
        and each.signed_revision > one.signed_revision
        and not _leaves_out(each.evaluate_signature_coverage())
    ]
    return sorted(found, key=lambda each: each.signed_revision)


def _token(signed: cms.SignedData) -> bytes:
    """Return a time-stamp's signed data as the token that it is of, DER."""
    der: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return der


def _uncovered(one: EmbeddedPdfSignature) -> tuple[report.Uncovered, ...]:
    found: Any = one.diff_result
    # A result without a level is a change that the library would not explain away.
    otherwise = ModificationLevel.NONE if found is None else ModificationLevel.OTHER
    return _LATER.get(getattr(found, "modification_level", otherwise), ("later-changes",))


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


def _digests(store: Carried) -> tuple[str, ...]:
    found = [("crl", each) for each in store.crls] + [("ocsp", each) for each in store.ocsps]
    return tuple(f"{kind}:{hashlib.sha256(data).hexdigest()}" for kind, data in found)
