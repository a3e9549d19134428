"""Signing PDF files with keys that sign once (``onetime``): PAdES (ETSI EN 319 142-1), as an update.

One piece for every app whose papers an officer or a department signs; what a signature looks like, and what
it is for, is the app's.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import algos, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

if TYPE_CHECKING:
    from pyhanko.sign.timestamps import TimeStamper
    from pyhanko.stamp import BaseStampStyle

    from kouan.core.trust.onetime import OneTimeSigner

_RESERVED: Final = 16 * 1024
"""Hex digits for a signature with its certificates."""


def signed_paper(  # noqa: PLR0913 - what a signature says, by name
    paper: bytes,
    key: OneTimeSigner,
    *,
    field: str,
    name: str,
    place: str,
    reason: str,
    stamper: TimeStamper | None = None,
    style: BaseStampStyle | None = None,
    room: int = 0,
) -> bytes:
    """Return a PDF with one signature more, in the form field ``field``, under ``name``.

    ``room`` is how many hex digits a time-stamp by ``stamper`` may take. Raises what the library raises on a
    file that is no PDF, and whatever ``stamper`` raises.
    """
    options: dict[str, Any] = {} if style is None else {"stamp_style": style}
    signer = signers.PdfSigner(
        signers.PdfSignatureMetadata(
            field_name=field,
            md_algorithm="sha256",
            subfilter=fields.SigSeedSubFilter.PADES,
            name=name,
            reason=reason,
            location=place,
        ),
        _Signer(key),
        timestamper=stamper,
        **options,
    )
    output: io.BytesIO = signer.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(paper)), bytes_reserved=_RESERVED + room, output=io.BytesIO()
    )
    return output.getvalue()


class _Signer(signers.Signer):
    """A one-time key as the library wants a signer."""

    def __init__(self, key: OneTimeSigner) -> None:
        self._key = key
        registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        certificate = x509.Certificate.load(key.certificate)
        registry.register_multiple([certificate, x509.Certificate.load(key.authority)])
        super().__init__(
            signing_cert=certificate,
            cert_registry=registry,
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
            embed_roots=True,
        )

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: ARG002, FBT001, FBT002 - the library's signature
        return self._key.sign(data)
