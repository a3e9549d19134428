"""What is done to a PDF that somebody brought, in the worker (decision 0063): no keys, no database.

Each task takes the file and returns what it found, and the bytes that an update appends: it cannot change
what was there. Whoever asked signs or has stamped, outside, and fills the gap that the update leaves.
"""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Final

from asn1crypto import cms, core, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields
from pyhanko.sign.general import extract_certificate_info
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp, PdfSignedData, SignatureObject
from pyhanko.sign.validation import read_certification_data
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter

from kouan.apps.signing.making import formtree
from kouan.apps.signing.making.evidence import Evidence, Gatherer, Unproved
from kouan.apps.signing.validating.formats.pdf import carried

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kouan.apps.signing.validating.engine import Engine

_MAX_STAMPS_SEEN: Final = 200
_EXTENSION_FROM: Final = (1, 7)
_NO_EXTENSION_FROM: Final = (2, 0)


class Refused(Exception):
    """A file with which a task cannot be done; ``code`` is one of ``labels.REFUSED``."""

    def __init__(self, code: str, about: str = "") -> None:
        super().__init__(code, about)
        self.code, self.about = code, about


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a task."""

    said: Mapping[str, Any] = field(default_factory=dict)
    """As JSON has it."""
    appended: bytes = b""


def done(task: str, file: IO[bytes], given: Mapping[str, Any], engine: Engine | None) -> bytes:
    """Return a task's answer: a line of JSON, and what is appended. Never raises for the file's bytes."""
    file.seek(0)
    content = file.read()
    try:
        found = _TASKS[task](content, given, engine)
    except (Refused, Unproved) as error:
        found = Done({"refused": error.code, "about": error.about[:200]})
    except (RecursionError, MemoryError):
        found = Done({"refused": "too-complex", "about": ""})
    except Exception as error:  # noqa: BLE001 - whatever the library raises on a file that somebody brought
        found = Done({"refused": "library", "about": type(error).__name__})
    return json.dumps(dict(found.said)).encode() + b"\n" + found.appended


# Preparing


def _prepared(content: bytes, given: Mapping[str, Any], _engine: Engine | None) -> Done:
    """Append a signature without its bytes."""
    writer = _writer(content)
    permitted = read_certification_data(writer.prev)
    if permitted is not None and permitted.permission is fields.MDPPerm.NO_CHANGES:
        raise Refused("closed")
    if given["pades"]:
        # EN 319 142-1 section 4.1: below PDF 2.0 the form is an extension, and is said to be one.
        writer.ensure_output_version(version=_EXTENSION_FROM)
        if writer.output_version < _NO_EXTENSION_FROM:
            writer.register_extension(ESIC_EXTENSION_1)
    kind = fields.SigSeedSubFilter.PADES if given["pades"] else fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    signature = SignatureObject(
        timestamp=datetime.fromisoformat(given["at"]),
        subfilter=kind,
        name=given["name"] or None,
        location=given["place"] or None,
        reason=given["reason"] or None,
        bytes_reserved=given["room"],
    )
    return _with_gap(content, writer, given["field"] or _free_field(writer.prev), signature)


def _free_field(reader: PdfFileReader) -> str:
    """Return a name that no form field of the file has."""
    taken = {name for name, _value, _field in fields.enumerate_sig_fields(reader)}
    number = 1
    while f"Signature{number}" in taken:
        number += 1
    return f"Signature{number}"


def _with_gap(content: bytes, writer: IncrementalPdfFileWriter, name: str, signature: PdfSignedData) -> Done:
    embedding = PdfCMSEmbedder().write_cms(name, writer)
    next(embedding)
    embedding.send(SigObjSetup(signature))
    waiting, output = embedding.send(SigIOSetup(md_algorithm="sha256"))
    return Done(
        {"start": waiting.reserved_region_start, "end": waiting.reserved_region_end},
        _appended(content, output.getvalue()),
    )


# Making signatures last


def _unstamped(content: bytes, _given: Mapping[str, Any], _engine: Engine | None) -> Done:
    """Tell which signature bears no time-stamp: where it is, and what a time-stamp of it is over."""
    waiting = [
        each
        for each in _opened(content).embedded_regular_signatures
        if next(extract_tst_data_iter(each.signer_info, signed=False), None) is None
    ]
    for one in waiting:
        start, _length, after, rest = (int(each) for each in one.byte_range)
        if start or after + rest != len(content):
            raise Refused("stamp-covered", one.field_name)
    return Done({"values": [each.signer_info["signature"].native.hex() for each in waiting]})


def _stamped(content: bytes, given: Mapping[str, Any], _engine: Engine | None) -> Done:
    """Return the bytes of the one signature without a time-stamp as they are with it, and where they go."""
    token = cms.ContentInfo.load(bytes.fromhex(given["token"]))
    for one in _opened(content).embedded_regular_signatures:
        if next(extract_tst_data_iter(one.signer_info, signed=False), None) is None:
            break
    else:
        raise Refused("library", "no signature waits")
    _start, length, after, _rest = (int(each) for each in one.byte_range)
    whole = cms.ContentInfo.load(bytes(one.pkcs7_content))
    signer = whole["content"]["signer_infos"][0]
    unsigned: Any = signer["unsigned_attrs"]
    kept = [] if isinstance(unsigned, core.Void) else list(unsigned)
    stamp = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})
    signer["unsigned_attrs"] = cms.CMSAttributes([*kept, stamp])
    written: bytes = whole.dump()
    if 2 * len(written) > after - length - 2:  # without the brackets
        raise Refused("stamp-room", one.field_name)
    return Done({"start": length, "end": after}, written)


def _lasting(content: bytes, given: Mapping[str, Any], engine: Engine | None) -> Done:
    """Append what proves the signatures, and for LTA a document time-stamp without its bytes."""
    gatherer, evidence = _gatherer(engine), Evidence()
    asyncio.run(_gathered(_opened(content), gatherer, evidence))
    return _supplied(content, evidence, given["room"])


async def _gathered(reader: PdfFileReader, gatherer: Gatherer, evidence: Evidence) -> None:
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


def _supplied(content: bytes, evidence: Evidence, room: int) -> Done:
    writer = _writer(content)
    # An entry for each signature (VRI, EN 319 142-1 section 5.4.2.3) may be left out, and would tell nothing
    # more.
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=list(evidence.certificates.values()),
        crls=list(evidence.crls.values()),
        ocsps=list(evidence.ocsps.values()),
    )
    if not room:
        output = io.BytesIO()
        writer.write(output)
        return Done({}, _appended(content, output.getvalue()))
    writer.ensure_output_version(version=_EXTENSION_FROM)
    if writer.output_version < _NO_EXTENSION_FROM:
        writer.register_extension(ESIC_EXTENSION_1)
    return _with_gap(content, writer, f"Timestamp-{uuid.uuid4()}", DocumentTimestamp(bytes_reserved=room))


def _provable(_content: bytes, given: Mapping[str, Any], engine: Engine | None) -> Done:
    """Look whether a certificate could be proved now."""
    own, *others = (x509.Certificate.load(bytes.fromhex(each)) for each in given["certificates"])
    asyncio.run(_gatherer(engine).add(Evidence(), own, others=others))
    return Done()


# Renewing


def _last_stamp(content: bytes, _given: Mapping[str, Any], _engine: Engine | None) -> Done:
    """Tell the last document time-stamp, and the digest of what it is over."""
    last = _stamps(content)[-1]
    token: bytes = cms.ContentInfo.load(bytes(last.pkcs7_content)).dump()
    return Done({"token": token.hex(), "digest": last.compute_digest().hex()})


def _renewed(content: bytes, given: Mapping[str, Any], engine: Engine | None) -> Done:
    """Append what proves the last document time-stamp, and another one without its bytes."""
    last = _stamps(content)[-1]
    gatherer, evidence = _gatherer(engine), Evidence()
    found = [each.chosen for each in last.signed_data["certificates"]]
    issuers = {each.issuer.hashable for each in found}
    found += [each for each in gatherer.time_roots() if each.subject.hashable in issuers]
    evidence.certificates |= {each.dump(): each for each in found}
    gatherer.revocation(evidence, found)
    return _supplied(content, evidence, given["room"])


def _stamps(content: bytes) -> list[Any]:
    found = _opened(content).embedded_timestamp_signatures
    if not found:
        raise Refused("no-stamp")
    if len(found) > _MAX_STAMPS_SEEN:
        raise Refused("too-complex")
    return list(found)


# Reading and writing


def _gatherer(engine: Engine | None) -> Gatherer:
    if engine is None:
        raise ValueError("a task that needs a trust")
    return Gatherer(engine)


def _writer(content: bytes) -> IncrementalPdfFileWriter:
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(content))
        encrypted = writer.prev.encrypted
        hybrid = writer.prev.xrefs.hybrid_xrefs_present
        formtree.check(writer.prev)
    except (RecursionError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise Refused("no-sound-pdf", type(error).__name__) from None
    if encrypted:
        raise Refused("encrypted")
    if hybrid:  # older readers and newer ones see other objects (ISO 32000-1 section 7.5.8.4)
        raise Refused("no-sound-pdf", "hybrid")
    return writer


def _opened(content: bytes) -> PdfFileReader:
    reader = PdfFileReader(io.BytesIO(content))
    formtree.check(reader)
    return reader


def _appended(before: bytes, after: bytes) -> bytes:
    if not after.startswith(before):
        raise Refused("rewritten")
    return after[len(before) :]


_TASKS: Final[dict[str, Callable[[bytes, Mapping[str, Any], Engine | None], Done]]] = {
    "prepare": _prepared,
    "unstamped": _unstamped,
    "stamp": _stamped,
    "last": _lasting,
    "provable": _provable,
    "last-stamp": _last_stamp,
    "renew": _renewed,
}
