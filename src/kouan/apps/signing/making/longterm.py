"""Making signatures in PDF files last: from B or T to LT and LTA (ETSI EN 319 142-1 sections 5.4, 5.5, 6).

A signature without a time-stamp gets one into the room that its own bytes leave: nothing that it covers
changes. What verifies every signature then goes into the document security store, and for LTA a document
time-stamp goes over all of it. Before and after, this node validates the file itself: what it cannot call
valid is not archived as if it were.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import tempfile
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import cms, core
from django.utils.translation import gettext as _
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import extract_certificate_info
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter

from kouan.apps.signing.making import formtree, renewal
from kouan.apps.signing.making.errors import NotProvable
from kouan.apps.signing.making.evidence import Evidence, Gatherer
from kouan.apps.signing.making.pdf import MAX_PDF, Level
from kouan.apps.signing.validating import labels, services
from kouan.apps.signing.validating.formats.pdf import carried
from kouan.apps.signing.validating.report import Verdict
from kouan.core.errors import KouanError
from kouan.core.exchange.stamper import Stamper, stamper
from kouan.core.exchange.stamping import MAX_STAMP

if TYPE_CHECKING:
    import uuid

    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

    from kouan.apps.signing.making.keys import DocumentSigner

LASTING: Final = (Level.LT, Level.LTA)
_LEVELS: Final = {Level.LT: ("B-LT", "B-LTA"), Level.LTA: ("B-LTA",)}


def ready(signer: DocumentSigner) -> None:
    """Look whether a signature by this signer could be made to last, before its key is used.

    Raises ``NotProvable``.
    """
    _stamper()
    asyncio.run(Gatherer().add(Evidence(), signer.certificate, others=signer.chain))


def raised(content: bytes, *, level: Level = Level.LTA) -> bytes:
    """Return a signed PDF whose signatures are of the level ``LT`` or ``LTA``.

    Raises ``NotProvable``, which says what is lacking, or what the time-stamping authority raises.
    """
    if len(content) > MAX_PDF:
        raise NotProvable(detail=_("it is longer than %(most)s bytes") % {"most": MAX_PDF})
    asking = _stamper()
    _check(content, ())
    gatherer = Gatherer()
    try:
        made = asyncio.run(_raised(content, asking, gatherer, level))
    except KouanError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the library raises on a file that somebody brought
        raise NotProvable(detail=type(error).__name__) from None
    _check(made, _LEVELS[level])
    return made


def keep(content: bytes, *, file_name: str) -> uuid.UUID:
    """Put a signed PDF into the archive, and return its number; without a document time-stamp it is raised.

    Raises ``NotProvable``, ``NotRenewable``, or what the time-stamping authority raises.
    """
    if not renewal.is_stamped(content):
        content = raised(content)
    return renewal.keep(content, file_name=file_name)


def _stamper() -> Stamper:
    found = stamper()
    if found is None:
        raise NotProvable(detail=_("there is no time-stamping authority, `[time]` in node.toml"))
    return found


def _check(content: bytes, levels: tuple[str, ...]) -> None:
    """Have this node validate the file, in the worker: every signature passes, at one of the levels."""
    with tempfile.TemporaryFile() as file:  # the worker gets it open
        file.write(content)
        file.seek(0)
        found = services.validate(file)
    signatures = [each for each in found.signatures if each.kind != "timestamp"]
    if found.format != "pdf" or not signatures:
        raise NotProvable(detail=_("it is no PDF with a signature in it"))
    for each in signatures:
        if each.verdict is not Verdict.TOTAL_PASSED:
            why = " ".join(labels.reason(one.code, one.detail) for one in each.reasons[:2])
            raise NotProvable(detail=_("its signatures are not valid here now (%(why)s)") % {"why": why})
        if levels and each.level not in levels:
            raise NotProvable(detail=_("it would become %(level)s and no more") % {"level": each.level})


async def _raised(content: bytes, stamper: Stamper, gatherer: Gatherer, level: Level) -> bytes:
    content = await _stamped(content, stamper)
    reader = _opened(content)
    evidence = Evidence()
    for one in reader.embedded_regular_signatures:
        store = carried(one)
        tokens = list(extract_tst_data_iter(one.signer_info, signed=False))
        for signed in (one.signed_data, *tokens):
            who = extract_certificate_info(signed)
            await gatherer.add(
                evidence,
                who.signer_cert,
                others=list(who.other_certs),
                carried=store,
                stamps=signed is not one.signed_data,
            )
    writer = IncrementalPdfFileWriter(io.BytesIO(content))
    # An entry for each signature (VRI, section 5.4.2.3) may be left out, and would tell nothing more.
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=list(evidence.certificates.values()),
        crls=list(evidence.crls.values()),
        ocsps=list(evidence.ocsps.values()),
    )
    output = io.BytesIO()
    if level is Level.LTA:
        await PdfTimeStamper(stamper).async_timestamp_pdf(
            writer, "sha256", bytes_reserved=2 * MAX_STAMP, output=output
        )
    else:
        writer.write(output)
    return output.getvalue()


async def _stamped(content: bytes, stamper: Stamper) -> bytes:
    """Return the file with a time-stamp of its own in each signature; raises ``NotProvable``."""
    for one in _opened(content).embedded_regular_signatures:
        if next(extract_tst_data_iter(one.signer_info, signed=False), None) is not None:
            continue
        token = await stamper.async_timestamp(
            hashlib.sha256(one.signer_info["signature"].native).digest(), "sha256"
        )
        content = _with_stamp(content, one, token)
    return content


def _with_stamp(content: bytes, one: EmbeddedPdfSignature, token: cms.ContentInfo) -> bytes:
    start, length, after, rest = (int(each) for each in one.byte_range)
    if start or after + rest != len(content):
        raise NotProvable(
            detail=_("the signature %(name)s bears no time-stamp, and one that came later covers it")
            % {"name": one.field_name}
        )
    whole = cms.ContentInfo.load(bytes(one.pkcs7_content))
    signer = whole["content"]["signer_infos"][0]
    stamp = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})
    unsigned: Any = signer["unsigned_attrs"]
    kept = [] if isinstance(unsigned, core.Void) else list(unsigned)
    signer["unsigned_attrs"] = cms.CMSAttributes([*kept, stamp])
    room = after - length - 2  # without the brackets
    written = whole.dump().hex().encode()
    if len(written) > room:
        raise NotProvable(
            detail=_("the signature %(name)s bears no time-stamp, and leaves no room for one")
            % {"name": one.field_name}
        )
    filled: bytes = written.ljust(room, b"0")
    return content[: length + 1] + filled + content[after - 1 :]


def _opened(content: bytes) -> PdfFileReader:
    reader = PdfFileReader(io.BytesIO(content))
    formtree.check(reader)
    return reader
