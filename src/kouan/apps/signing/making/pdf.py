"""Signatures in PDF files (PAdES, ETSI EN 319 142-1): made at once, or prepared for one that comes later.

Made at once, a signature is of the baseline B, or T with a time-stamp; ``longterm`` makes LT and LTA of it.
Prepared, the file is complete but for the signature's bytes: what is kept is the file, the place that waits,
and the attributes whose hash somebody signs elsewhere.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from asn1crypto import algos, cms, x509
from django.utils.translation import gettext as _
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest, SignatureObject
from pyhanko_certvalidator.registry import SimpleCertificateStore

from kouan.apps.signing.making import cms as making_cms
from kouan.apps.signing.making import formtree
from kouan.apps.signing.making.algorithms import SM2, Algorithm
from kouan.apps.signing.making.errors import NotSignable
from kouan.core.errors import KouanError
from kouan.core.exchange.stamping import MAX_STAMP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyhanko.sign.timestamps import TimeStamper

    from kouan.apps.signing.making.keys import DocumentSigner

MAX_PDF: Final = 64 * 1024 * 1024
RESERVED: Final = 32 * 1024
"""Hex digits for a signature with the certificates of its chain."""


class Level(StrEnum):
    """A baseline level of PAdES."""

    B = "B"
    T = "T"
    LT = "LT"
    LTA = "LTA"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A PDF that waits for its signature."""

    content: bytes
    start: int
    end: int
    """Where the signature's hex digits go, brackets included."""
    digest: bytes
    """SHA-256 over everything else."""


def sign(  # noqa: PLR0913 - what a signature says, by name
    data: bytes,
    signer: DocumentSigner,
    *,
    level: Level = Level.B,
    reason: str = "",
    field: str | None = None,
    name: str = "",
    place: str = "",
    stamper: TimeStamper | None = None,
) -> bytes:
    """Return a PDF with one signature more, as an update of the file.

    The file says ``name`` and ``place`` where they are given. ``stamper`` is for every level above B, which
    here is T. Raises ``NotSignable``, ``SignerUnusable``, or what ``stamper`` raises.
    """
    if signer.algorithm is SM2:
        raise NotSignable(detail=_("a PDF is signed with RSA or P-256; sign it with SM2 as CMS"))
    if level is not Level.B and stamper is None:
        raise NotSignable(detail=_("this level needs a time-stamping authority, `[time]` in node.toml"))
    writer = _writer(data)
    made = signers.PdfSigner(
        signers.PdfSignatureMetadata(
            field_name=field or _free_field(data),
            md_algorithm=signer.algorithm.digest,
            subfilter=fields.SigSeedSubFilter.PADES,
            reason=reason or None,
            name=name or None,
            location=place or None,
        ),
        _Signer(signer),
        timestamper=None if level is Level.B else stamper,
    )
    room = RESERVED + (0 if level is Level.B else 2 * MAX_STAMP)
    try:
        output: io.BytesIO = made.sign_pdf(writer, bytes_reserved=room, output=io.BytesIO())
    except KouanError:
        raise
    except Exception:  # noqa: BLE001 - whatever the library raises on a file that somebody brought
        raise _unsound() from None
    return output.getvalue()


def prepare(data: bytes, *, name: str, reason: str, at: datetime, known_certificate: bool) -> Prepared:
    """Return a PDF that is complete but for the signature; raises ``NotSignable``.

    Where the signer's certificate is not known beforehand, the signature is of the older form (ISO 32000-1
    section 12.8.3.3), which need not name it: PAdES would have to, under the signature.
    """
    form = (
        fields.SigSeedSubFilter.PADES if known_certificate else fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    )
    try:
        embedding = PdfCMSEmbedder().write_cms(_free_field(data), _writer(data))
        next(embedding)
        embedding.send(
            SigObjSetup(
                SignatureObject(
                    timestamp=at, subfilter=form, name=name, reason=reason or None, bytes_reserved=RESERVED
                )
            )
        )
        waiting, output = embedding.send(SigIOSetup(md_algorithm="sha256"))
    except KouanError:
        raise
    except Exception:  # noqa: BLE001 - as above
        raise _unsound() from None
    return Prepared(
        output.getvalue(), waiting.reserved_region_start, waiting.reserved_region_end, waiting.document_digest
    )


def complete(  # noqa: PLR0913 - the parts of a signature, by name
    prepared: Prepared,
    *,
    algorithm: Algorithm,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    attributes: cms.CMSAttributes,
    signature: bytes,
) -> bytes:
    """Return the prepared PDF with the signature in its place; raises ``NotSignable`` if it is too long."""
    whole = making_cms.signed_data(
        algorithm=algorithm, certificate=certificate, chain=chain, attributes=attributes, signature=signature
    )
    if 2 * len(whole) > prepared.end - prepared.start - 2:
        raise NotSignable(detail=_("the signature with its certificates is longer than the room for it"))
    output = io.BytesIO(prepared.content)
    place = PreparedByteRangeDigest(prepared.digest, prepared.start, prepared.end)
    place.fill_with_cms(output, whole)
    return output.getvalue()


def _writer(data: bytes) -> IncrementalPdfFileWriter:
    if len(data) > MAX_PDF:
        raise NotSignable(detail=_("it is longer than %(most)s bytes") % {"most": MAX_PDF})
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(data))
        encrypted = writer.prev.encrypted
        formtree.check(writer.prev)
    except Exception:  # noqa: BLE001 - as above
        raise _unsound() from None
    if encrypted:
        raise NotSignable(detail=_("it is encrypted"))
    return writer


def _unsound() -> NotSignable:
    return NotSignable(
        detail=_(
            "it is no PDF, or it is broken or cut short. Get it once more, or save it anew from a PDF "
            "program; or let the signature go into a file of its own"
        )
    )


def _free_field(data: bytes) -> str:
    """Return a name that no form field of the file has; raises ``NotSignable``."""
    try:
        reader = PdfFileReader(io.BytesIO(data))
        formtree.check(reader)
        taken = {name for name, _value, _field in fields.enumerate_sig_fields(reader)}
    except Exception:  # noqa: BLE001 - as above
        raise _unsound() from None
    number = 1
    while f"Signature{number}" in taken:
        number += 1
    return f"Signature{number}"


class _Signer(signers.Signer):
    """One of this side's signers as the library wants one."""

    def __init__(self, signer: DocumentSigner) -> None:
        self._signer = signer
        registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        registry.register_multiple([signer.certificate, *signer.chain])
        super().__init__(
            signing_cert=signer.certificate,
            cert_registry=registry,
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": signer.algorithm.name}),
            embed_roots=True,
        )

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: ARG002, FBT001, FBT002 - the library's signature
        return bytes(512) if dry_run else self._signer.sign(data)
