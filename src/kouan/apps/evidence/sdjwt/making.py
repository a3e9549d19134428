"""Making SD-JWTs: claims behind digests, and the proof that the holder's key shows them (RFC 9901)."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.evidence.sdjwt.signing import encoded, sign

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from joserfc.jwk import ECKey

CREDENTIAL: Final = "dc+sd-jwt"
"""The type of an SD-JWT VC."""
BINDING: Final = "kb+jwt"
"""The type of a key-binding JWT (RFC 9901 section 4.3)."""
_SALT: Final = 16
_DECOYS: Final = 4
"""Digests of nothing are added up to a multiple of this: their number does not tell what is left out."""


@dataclass(frozen=True, slots=True)
class Made:
    """A credential with everything that its holder can show."""

    token: str
    disclosures: Mapping[str, str]
    """Each claim's name, and its disclosure."""

    def showing(self, names: Collection[str]) -> str:
        """Return the SD-JWT with some claims disclosed, in the credential's own order."""
        shown = [text for name, text in self.disclosures.items() if name in names]
        return "".join(f"{part}~" for part in (self.token, *shown))

    def whole(self) -> str:
        """Return the SD-JWT with all claims disclosed."""
        return self.showing(list(self.disclosures))


def make(*, payload: Mapping[str, Any], hidden: Mapping[str, Any], key: ECKey, kid: str) -> Made:
    """Return a credential: ``payload`` stands in the open, each of ``hidden`` behind a digest of its own."""
    disclosures = {name: _disclosure(name, value) for name, value in hidden.items()}
    digests = [digest(text) for text in disclosures.values()]
    digests += [encoded(secrets.token_bytes(32)) for _ in range(-len(digests) % _DECOYS)]
    body = dict(payload)
    if digests:
        body |= {"_sd": sorted(digests), "_sd_alg": "sha-256"}
    return Made(sign({"typ": CREDENTIAL, "kid": kid}, body, key), disclosures)


def bind(shown: str, *, key: ECKey, audience: str, nonce: str, at: int, **more: Any) -> str:
    """Return an SD-JWT with the holder's proof for ``audience`` and ``nonce`` (RFC 9901 section 4.3)."""
    said = {"iat": at, "aud": audience, "nonce": nonce, "sd_hash": digest(shown), **more}
    return shown + sign({"typ": BINDING}, said, key)


def digest(text: str) -> str:
    """Return the digest of a disclosure, or of what a binding is about (RFC 9901 section 4.2.3)."""
    return encoded(hashlib.sha256(text.encode("ascii")).digest())


def _disclosure(name: str, value: Any) -> str:
    parts = [encoded(secrets.token_bytes(_SALT)), name, value]
    return encoded(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode())
