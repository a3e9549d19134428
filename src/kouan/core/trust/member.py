"""A side as seen by those who exchange with it: which of its keys count, and when. Pure: no database.

``kouan verify`` builds it from the document inside an evidence bundle, the node from the document
that an operator imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, cast

from kouan.core.trust import certificates, document
from kouan.core.trust.errors import KeyNotValid, NoUsableKey, UnknownKey
from kouan.core.trust.keys import KeyUse, VerificationKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    from kouan.core.trust.document import ListedKey, TrustDocument


@dataclass(frozen=True, slots=True, eq=False)
class MemberKeys:
    """The public keys of one side, from its trust document."""

    side: str
    fingerprint: str
    serial: int
    door_url: str
    log_origin: str
    witness_name: str
    suites: tuple[int, ...]
    tls_ca_pem: bytes = field(repr=False)
    document: bytes = field(repr=False)
    trust: TrustDocument = field(repr=False)
    log_key: Ed25519PublicKey = field(repr=False)
    witness_key: Ed25519PublicKey = field(repr=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a trust document; raises what ``document.parse`` raises."""
        trust = document.parse(data)
        content = trust.content
        return cls(
            side=content.side,
            fingerprint=document.fingerprint(content),
            serial=trust.serial,
            door_url=content.door_url,
            log_origin=content.log_origin,
            witness_name=document.witness_name(content.side),
            suites=content.suites,
            tls_ca_pem=certificates.pem_of(content.tls_ca),
            document=data,
            trust=trust,
            log_key=_only(content.keys, KeyUse.LOG),
            witness_key=_only(content.keys, KeyUse.WITNESS),
        )

    def verification_key(self, kid: bytes, at: datetime) -> VerificationKey:
        """Return the key with this id that signs batches and receipts, if its time covers ``at``.

        Raises ``UnknownKey`` when the document does not list it for signing, and ``KeyNotValid``
        (an old key, or one from the future) outside its time.
        """
        for key in self.trust.content.keys:
            if key.use is KeyUse.SIGN and key.kid == kid:
                if not key.valid_at(at):
                    raise KeyNotValid(
                        kid=kid.hex(),
                        side=self.side,
                        since=key.since.isoformat(),
                        until=key.until.isoformat(),
                    )
                return cast("VerificationKey", key.public)
        raise UnknownKey(kid=kid.hex(), side=self.side)

    def key_finder(self, at: datetime) -> Callable[[bytes], VerificationKey]:
        """Return ``verification_key`` for one moment, as ``cose.verify1`` takes it."""
        return lambda kid: self.verification_key(kid, at)

    def sealing_key(self, at: datetime) -> tuple[bytes, X25519PublicKey]:
        """Return (key id, key) to seal to: the newest that is valid; raises ``NoUsableKey``."""
        valid = [key for key in self.trust.content.keys if key.use is KeyUse.DECRYPT and key.valid_at(at)]
        if not valid:
            raise NoUsableKey(side=self.side, use=KeyUse.DECRYPT.value)
        newest = max(valid, key=lambda key: (key.since, key.until))
        return newest.kid, cast("X25519PublicKey", newest.public)


def _only(keys: tuple[ListedKey, ...], use: KeyUse) -> Ed25519PublicKey:
    # `document.parse` has seen that there is exactly one, and of which kind.
    return next(cast("Ed25519PublicKey", key.public) for key in keys if key.use is use)
