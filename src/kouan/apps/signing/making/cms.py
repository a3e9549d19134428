"""Signatures in CMS (RFC 5652, CAdES baseline B of ETSI EN 319 122-1), and in its Mainland form (GM/T 0010).

Built here and not by a library, because both forms, and a signature that somebody makes elsewhere in between,
are one thing: signed attributes, a signature over them, and the whole around both.
"""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import algos, cms, tsp, x509

from kouan.apps.signing.making.algorithms import SM2, Algorithm
from kouan.core.trust import sm2_certificates as sm2c

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.apps.signing.making.keys import DocumentSigner

_LAST_UTC_TIME: Final = 2049


def detached(content: bytes, signer: DocumentSigner, *, at: datetime) -> bytes:
    """Return a signature beside its content; raises ``SignerUnusable``."""
    return _signed(content, signer, at, inside=False)


def enclosing(content: bytes, signer: DocumentSigner, *, at: datetime) -> bytes:
    """Return a signature with its content inside; raises ``SignerUnusable``."""
    return _signed(content, signer, at, inside=True)


def _signed(content: bytes, signer: DocumentSigner, at: datetime, *, inside: bool) -> bytes:
    attributes = signed_attributes(
        signer.algorithm.digest_of(content), signer.algorithm, certificate=signer.certificate, at=at
    )
    return signed_data(
        algorithm=signer.algorithm,
        certificate=signer.certificate,
        chain=signer.chain,
        attributes=attributes,
        signature=signer.sign(to_be_signed(attributes)),
        content=content if inside else None,
    )


def signed_attributes(
    digest: bytes,
    algorithm: Algorithm,
    *,
    certificate: x509.Certificate | None,
    at: datetime | None,
) -> cms.CMSAttributes:
    """Return what is signed in the place of a content with this digest.

    ``certificate`` names the signer under the signature (ESS signing-certificate-v2, RFC 5035), where it is
    known beforehand; ``at`` is the time that the signer claims, which a PDF says elsewhere.
    """
    sm2c.register()
    attributes: list[dict[str, Any]] = [
        {"type": "content_type", "values": [_content_type(algorithm)]},
        {"type": "message_digest", "values": [digest]},
    ]
    if at is not None:
        moment = at.astimezone(UTC).replace(microsecond=0)
        form = "utc_time" if moment.year <= _LAST_UTC_TIME else "generalized_time"
        attributes.append({"type": "signing_time", "values": [cms.Time({form: moment})]})
    if certificate is not None:
        attributes.append({"type": "signing_certificate_v2", "values": [_identified(certificate, algorithm)]})
    return cms.CMSAttributes(attributes)


def to_be_signed(attributes: cms.CMSAttributes) -> bytes:
    """Return the bytes that the signature covers: the attributes as a SET, in DER (RFC 5652 section 5.4)."""
    data: bytes = attributes.dump()
    return data


def signed_data(  # noqa: PLR0913 - the parts of a signature, by name
    *,
    algorithm: Algorithm,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    attributes: cms.CMSAttributes,
    signature: bytes,
    content: bytes | None = None,
    stamp: cms.ContentInfo | None = None,
) -> bytes:
    """Return the whole in DER; ``content`` is inside, or else the signature is detached from it.

    ``stamp`` is a time-stamp of the signature (RFC 3161, appendix A).
    """
    sm2c.register()
    unsigned: dict[str, Any] = {}
    if stamp is not None:
        one = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [stamp]})
        unsigned["unsigned_attrs"] = cms.CMSAttributes([one])
    digest = algos.DigestAlgorithm({"algorithm": algorithm.digest})
    encapsulated: dict[str, Any] = {"content_type": _content_type(algorithm)}
    if content is not None:
        encapsulated["content"] = content
    body = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [digest],
            "encap_content_info": encapsulated,
            "certificates": [cms.CertificateChoices("certificate", each) for each in (certificate, *chain)],
            "signer_infos": [
                {
                    "version": "v1",
                    "sid": cms.SignerIdentifier(
                        "issuer_and_serial_number",
                        cms.IssuerAndSerialNumber(
                            {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                        ),
                    ),
                    "digest_algorithm": digest,
                    "signed_attrs": attributes,
                    "signature_algorithm": {"algorithm": algorithm.name},
                    "signature": signature,
                    **unsigned,
                }
            ],
        }
    )
    kind = "gm_signed_data" if algorithm is SM2 else "signed_data"
    data: bytes = cms.ContentInfo({"content_type": kind, "content": body}).dump()
    return data


def _content_type(algorithm: Algorithm) -> str:
    return "gm_data" if algorithm is SM2 else "data"


def _identified(certificate: x509.Certificate, algorithm: Algorithm) -> tsp.SigningCertificateV2:
    hashed: dict[str, Any] = {"cert_hash": hashlib.new(algorithm.digest, certificate.dump()).digest()}
    if algorithm is SM2:
        hashed["hash_algorithm"] = {"algorithm": "sm3"}
    hashed["issuer_serial"] = {
        "issuer": [x509.GeneralName("directory_name", certificate.issuer)],
        "serial_number": certificate.serial_number,
    }
    return tsp.SigningCertificateV2({"certs": [hashed]})
