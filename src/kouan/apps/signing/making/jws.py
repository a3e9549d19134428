"""JSON Web Signatures (RFC 7515) of JAdES baseline B (ETSI TS 119 182-1), compact, with the content inside.

RSA signs as ``RS256`` and P-256 as ``ES256`` (RFC 7518). For SM2 with SM3 no name is registered with IANA;
the Mainland's standard GM/T 0125.1-2022 calls it ``SGD_SM3_SM2``, and so does this. Its signature is r and s
side by side, 32 bytes each, as RFC 7518 section 3.4 has ECDSA's, over the identity ``1234567812345678``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from kouan.apps.signing.making.algorithms import ECDSA, RSA, SM2

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.signing.making.keys import DocumentSigner

MAX_CONTENT: Final = 5 * 1024 * 1024
"""Bytes: what is validated here may be 8 MB, and base64 makes it a third longer."""
NAMES: Final = {RSA: "RS256", ECDSA: "ES256", SM2: "SGD_SM3_SM2"}
"""What ``alg`` says of each way to sign."""
_HALF: Final = 32


def enclosing(content: bytes, signer: DocumentSigner, *, at: datetime) -> bytes:
    """Return a signature with its content inside; raises ``SignerUnusable``."""
    header: dict[str, Any] = {
        "alg": NAMES[signer.algorithm],
        "typ": "JOSE",
        "iat": int(at.timestamp()),
        "x5t#S256": _encoded(hashlib.sha256(signer.certificate.dump()).digest()),
        "x5c": [
            base64.b64encode(each.dump()).decode("ascii") for each in (signer.certificate, *signer.chain)
        ],
    }
    head = _encoded(json.dumps(header, separators=(",", ":")).encode("ascii"))
    signed = f"{head}.{_encoded(content)}"
    signature = signer.sign(signed.encode("ascii"))
    if signer.algorithm is not RSA:
        r, s = decode_dss_signature(signature)
        signature = r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")
    return f"{signed}.{_encoded(signature)}".encode("ascii")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
