"""Digital signatures without a seal: the signed data of GB/T 35275 (GM/T 0010), as OFD carries it.

GM/T 0099 section 7.2.2 has the digest of ``Signature.xml`` as the content. Producers also leave the content
out, put in the file itself or its digest in base64, and sign attributes as RFC 5652 section 5.4 does.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd import algorithms, certificate, der

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

SIGNED_DATA: Final = frozenset({"1.2.156.10197.6.1.4.2.2", "1.2.840.113549.1.7.2"})
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
_TIME_STAMP: Final = "1.2.840.113549.1.9.16.2.14"
_PLAIN: Final = {
    ("1.2.840.113549.1.1.1", "sha256"): "1.2.840.113549.1.1.11",
    ("1.2.840.113549.1.1.1", "sha384"): "1.2.840.113549.1.1.12",
    ("1.2.840.113549.1.1.1", "sha512"): "1.2.840.113549.1.1.13",
    ("1.2.840.113549.1.1.1", "sha1"): "1.2.840.113549.1.1.5",
    ("1.2.840.113549.1.1.1", "md5"): "1.2.840.113549.1.1.4",
}
"""CMS names an RSA signature by the key and the digest apart."""


@dataclass(frozen=True, slots=True)
class Signed:
    """One signer's signature in signed data."""

    content: bytes | None
    certificates: tuple[bytes, ...]
    signer: certificate.Certificate | None
    """Of those, the one that the signer's info names."""
    digest: str
    """hashlib's name, ``sm3``, or the object identifier of one that is not known."""
    algorithm: str
    attributes: bytes | None
    """The signed attributes as they are hashed: under the tag of SET."""
    message_digest: bytes | None
    time: datetime | None
    signature: bytes
    time_stamp: bytes | None


def looks_like(data: bytes) -> bool:
    """Say whether bytes are a ContentInfo, rather than a seal."""
    try:
        return der.one(data).sequence(2, 2)[0].tag == der.OID
    except der.NotDer:
        return False


def read(data: bytes) -> Signed:
    """Return the only signer's signature; raises ``NotDer``."""
    kind, wrapped = der.one(data).sequence(2, 2)
    if kind.oid() not in SIGNED_DATA:
        raise der.NotDer("no signed data")
    _version, _digests, content, *rest = wrapped.explicit(0).sequence(4, 6)
    certificates = [item.raw for part in rest if part.tag == 0xA0 for item in part.children()]  # noqa: PLR2004 - the tag [0]
    signers = rest[-1].expect(der.SET).children()
    if len(signers) != 1:
        raise der.NotDer("not one signer")
    fields = signers[0].sequence(5, 7)
    issuer, serial = fields[1].sequence(2, 2)
    named = fields[2].sequence(1, 2)[0].oid()
    digest = algorithms.digest_name(named) or named
    attributes = fields[3] if fields[3].tag == 0xA0 else None  # noqa: PLR2004 - [0] signed attributes
    algorithm, signature, *unsigned = fields[4:] if attributes else fields[3:]
    name = algorithm.sequence(1, 2)[0].oid()
    signed = _attributes(attributes.children()) if attributes else {}
    stamps = _attributes(unsigned[0].children()) if unsigned else {}
    moment = signed.get(_SIGNING_TIME)
    stated = signed.get(_MESSAGE_DIGEST)
    stamp = stamps.get(_TIME_STAMP)
    return Signed(
        content=_content(content),
        certificates=tuple(certificates),
        signer=_signer(certificates, issuer.raw, serial.content),
        digest=digest,
        algorithm=_PLAIN.get((name, digest), name),
        attributes=der.encode(der.SET, attributes.content) if attributes else None,
        message_digest=stated.octets() if stated else None,
        time=moment.time() if moment else None,
        signature=signature.octets(),
        time_stamp=stamp.raw if stamp else None,
    )


def about(signed: Signed, description: bytes) -> bool:
    """Say whether the signed data is about these bytes of ``Signature.xml``.

    Raises ``UnknownAlgorithm`` and ``WeakAlgorithm`` for a digest of which that cannot be said.
    """
    _check_digest(signed.digest)
    value = algorithms.digest(signed.digest, description)
    if signed.content is not None and signed.content not in (description, value, base64.b64encode(value)):
        try:
            if base64.b64decode(signed.content, validate=True) != value:
                return False
        except binascii.Error:
            return False
    if signed.attributes is not None:
        inner = algorithms.digest(signed.digest, signed.content or value)
        return signed.message_digest in (value, inner)
    return True


def verify(signed: Signed, description: bytes, spki: bytes) -> bool:
    """Say whether the signature verifies; raises ``UnknownAlgorithm`` and ``WeakAlgorithm``.

    Only together with ``about`` does it say anything of ``description``.
    """
    if signed.attributes is not None:
        candidates = [signed.attributes]
    elif signed.content is not None:
        candidates = [signed.content]
    else:
        _check_digest(signed.digest)
        candidates = [description, algorithms.digest(signed.digest, description)]
    return any(algorithms.verify(signed.algorithm, spki, signed.signature, data) for data in candidates)


def _check_digest(digest: str) -> None:
    if digest in algorithms.WEAK_DIGESTS:
        raise algorithms.WeakAlgorithm(digest)
    if algorithms.digest_name(digest) is None:
        raise algorithms.UnknownAlgorithm(digest)


def _content(value: der.Value) -> bytes | None:
    _kind, *content = value.sequence(1, 2)
    return content[0].explicit(0).octets() if content else None


def _signer(certificates: Sequence[bytes], issuer: bytes, serial: bytes) -> certificate.Certificate | None:
    for data in certificates:
        try:
            read = certificate.read(data)
        except der.NotDer:
            continue
        if read.issuer == issuer and read.serial == serial:
            return read
    return None


def _attributes(values: Sequence[der.Value]) -> dict[str, der.Value]:
    """Return attributes of one value each, by their type; raises ``NotDer`` for one that is there twice."""
    found: dict[str, der.Value] = {}
    for value in values:
        kind, contents = value.sequence(2, 2)
        inside = contents.expect(der.SET).children()
        if kind.oid() in found:
            raise der.NotDer("an attribute twice")
        if len(inside) == 1:
            found[kind.oid()] = inside[0]
    return found
