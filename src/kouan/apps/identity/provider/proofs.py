"""Proofs of possession (RFC 9449): that who shows a token holds the key that it is bound to.

This provider gives out no nonces: a proof counts for a minute, for one request, and once.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from joserfc.errors import JoseError

from kouan.apps.identity.provider import jose
from kouan.apps.identity.provider.errors import InvalidProof
from kouan.apps.identity.provider.jose import DoesNotVerify
from kouan.apps.identity.provider.spending import spend

if TYPE_CHECKING:
    from kouan.apps.identity.provider.asked import Asked

AGE: Final = 60
"""Seconds for which a proof counts."""
AHEAD: Final = 30
"""Seconds by which the client's clock may be ahead (FAPI 2.0 section 5.3.2.1)."""
_LONGEST_JTI: Final = 255


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof whose signature and claims are right; it counts once it has been spent."""

    jkt: str
    """The thumbprint (RFC 7638) of its key."""
    jti: str
    until: float

    def spend(self) -> None:
        """Have it count this once; raises ``InvalidProof`` if it did before."""
        if not spend("dpop", self.jkt, self.jti, until=self.until):
            raise InvalidProof(reason="jti")


def shown(asked: Asked, *, token: str | None = None) -> Proof | None:
    """Return the proof that came with a request, if any; with ``token``, that it was made for it.

    Raises ``InvalidProof`` for one that does not fit (section 4.3).
    """
    header = asked.headers.get("dpop")
    if header is None:
        return None
    try:
        return _checked(header, asked, token)
    except DoesNotVerify as error:
        raise InvalidProof(reason=str(error)) from None


def _checked(header: str, asked: Asked, token: str | None) -> Proof:
    read = jose.Unverified(header)
    if read.header.get("typ") != "dpop+jwt":
        raise DoesNotVerify("typ")
    jwk = read.header.get("jwk")
    if not isinstance(jwk, dict):
        raise DoesNotVerify("jwk")
    key = jose.public_key(jwk)
    claims = read.verified(key)
    now = time.time()
    issued = jose.seconds(claims, "iat")
    if not now - AGE <= issued <= now + AHEAD:
        raise DoesNotVerify("iat")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI or not jti.isprintable():
        raise DoesNotVerify("jti")
    if claims.get("htm") != asked.method:
        raise DoesNotVerify("htm")
    htu = claims.get("htu")
    if not isinstance(htu, str) or htu.partition("#")[0].partition("?")[0] != asked.url:
        raise DoesNotVerify("htu")
    if token is not None:
        expected = jose.encoded(hashlib.sha256(token.encode()).digest())
        ath = claims.get("ath")
        if not isinstance(ath, str) or not hmac.compare_digest(ath.encode(), expected.encode()):
            raise DoesNotVerify("ath")
    try:
        return Proof(key.thumbprint(), jti, issued + AGE + 1)
    except JoseError:
        raise DoesNotVerify("jwk") from None
