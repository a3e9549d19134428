"""A list's signature: JAdES baseline B (ETSI TS 119 182-1), as a compact JWS (RFC 7515) with ES256.

The header names the signer's certificate by value (``x5c``) and by digest (``x5t#S256``), and when it signed
(``iat``; TS 119 182-1 V1.2.1 puts it in the place of ``sigT``). None of these has to be understood by way of
``crit``, so a header with ``crit`` is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from kouan.apps.signing.lists.document import MAX_LIST
from kouan.core.trust.onetime import DOCUMENT_SIGNING

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Protocol

    class Signs(Protocol):
        """What signs once: ``kouan.core.trust.onetime.OneTimeSigner``."""

        certificate: bytes
        authority: bytes

        def sign(self, data: bytes) -> bytes:
            """Return an ECDSA signature over SHA-256 of ``data``, in DER."""


ALGORITHM: Final = "ES256"
TYPE: Final = "JOSE"
MAX_HEADER: Final = 16 * 1024
MAX_TOKEN: Final = 960 * 1024
"""Characters of a signed list."""
_ALLOWED: Final = frozenset({"alg", "typ", "cty", "iat", "x5c", "x5t#S256"})
_COORDINATE: Final = 32


class _Registry(JWSRegistry):
    max_header_length = MAX_HEADER * 4 // 3
    max_payload_length = MAX_LIST * 4 // 3 + 4


_REGISTRY: Final = _Registry(algorithms=[ALGORITHM], strict_check_header=False)


class BadSignature(ValueError):
    """A signature that does not hold; the words say what is the matter."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature that holds covers, and who made it."""

    payload: bytes = field(repr=False)
    officer: str
    """The common name in the signer's certificate."""
    signed_at: datetime
    """By the signer's own clock."""


def sign(payload: bytes, signer: Signs, *, at: datetime) -> str:
    """Return a compact JWS over ``payload``."""
    header = {
        "alg": ALGORITHM,
        "typ": TYPE,
        "cty": "application/json",
        "iat": int(at.timestamp()),
        "x5t#S256": _encoded(hashlib.sha256(signer.certificate).digest()),
        "x5c": [base64.b64encode(each).decode() for each in (signer.certificate, signer.authority)],
    }
    head = _encoded(json.dumps(header, separators=(",", ":")).encode())
    body = f"{head}.{_encoded(payload)}"
    r, s = decode_dss_signature(signer.sign(body.encode()))
    return f"{body}.{_encoded(r.to_bytes(_COORDINATE) + s.to_bytes(_COORDINATE))}"


def digest(token: str) -> bytes:
    """Return by what an edition is named: SHA-256 of its JWS."""
    return hashlib.sha256(token.encode()).digest()


def payload(token: str) -> bytes:
    """Return what a token says, unverified; raises ``BadSignature`` for text of another form."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        raise BadSignature("no compact JWS, or too long")
    return _decoded(parts[1])


def verified(token: str, *, authorities: Collection[x509.Certificate]) -> Signed:
    """Return what a token says that an officer of the side signed whose CAs are ``authorities``.

    Raises ``BadSignature``.
    """
    try:
        return _verified(token, authorities)
    except BadSignature:
        raise
    except Exception as error:  # noqa: BLE001 - the libraries' errors on foreign bytes are many; one leaves here
        raise BadSignature(type(error).__name__) from None


def _verified(token: str, authorities: Collection[x509.Certificate]) -> Signed:
    if len(token) > MAX_TOKEN or not token.isascii() or token.count(".") != 2:  # noqa: PLR2004 - three parts
        raise BadSignature("no compact JWS, or too long")
    head, body, _signature = token.split(".")
    if len(head) > MAX_HEADER:
        raise BadSignature("the header's length")
    header = json.loads(_decoded(head), object_pairs_hook=_once)
    if not isinstance(header, dict) or not set(header) <= _ALLOWED or header.get("alg") != ALGORITHM:
        raise BadSignature("the header")
    chain, at = header.get("x5c"), header.get("iat")
    if not isinstance(chain, list) or len(chain) != 2 or type(at) is not int or at < 0:  # noqa: PLR2004 - signer and CA
        raise BadSignature("the header")
    leaf_der, ca_der = (base64.b64decode(each, validate=True) for each in chain)
    if header.get("x5t#S256") != _encoded(hashlib.sha256(leaf_der).digest()):
        raise BadSignature("the certificate's digest")
    signed_at = datetime.fromtimestamp(at, UTC)
    certificate = x509.load_der_x509_certificate(leaf_der)
    authority = next((each for each in authorities if each.public_bytes(Encoding.DER) == ca_der), None)
    if authority is None:
        raise BadSignature("the CA is not the side's")
    certificate.verify_directly_issued_by(authority)
    _check_leaf(certificate, signed_at)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadSignature("the key")
    try:
        jws.deserialize_compact(token, ECKey.import_key(key), registry=_REGISTRY)
    except JoseError:
        raise BadSignature("the signature") from None
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Signed(_decoded(body), str(names[0].value) if names else "", signed_at)


def _check_leaf(certificate: x509.Certificate, at: datetime) -> None:
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise BadSignature("signed outside the certificate's validity")
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if constraints.ca or not usage.digital_signature or DOCUMENT_SIGNING not in extended:
        raise BadSignature("a certificate for another use")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise BadSignature("base64url") from None
    if _encoded(data) != text:
        raise BadSignature("base64url")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadSignature("a name stands twice in the header")
    return value
