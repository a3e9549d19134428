"""A side as seen by those who exchange with it: which of its keys count, and when. Pure: no database.

``kouan verify`` builds it from the document inside an evidence bundle, the node from the document
that an operator imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, cast

from kouan.core.trust import certificates, document
from kouan.core.trust.errors import KeyCompromised, KeyNotValid, NoUsableKey, UnknownKey
from kouan.core.trust.keys import DoubleKey, KeyUse, VerificationKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    from kouan.core.trust import sm2
    from kouan.core.trust.document import ListedKey, Revocation, TrustDocument


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
    revoked: Mapping[bytes, Revocation] = field(repr=False)
    """The keys that were reported compromised, by id."""

    @classmethod
    def from_bytes(cls, data: bytes, *, also_revoked: Iterable[Revocation] = ()) -> Self:
        """Read a trust document; raises what ``document.parse`` raises.

        ``also_revoked`` are reports beyond those in the document: what was once reported stays so,
        even in a document that waits for an operator.
        """
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
            tls_ca_pem=b"".join(map(certificates.pem_of, (content.tls_ca, *content.tls_before))),
            document=data,
            trust=trust,
            revoked={item.kid: item for item in (*also_revoked, *content.revoked)},
        )

    @property
    def log_key(self) -> Ed25519PublicKey:
        """The newest key that signs this side's checkpoints."""
        return self._newest(KeyUse.LOG)

    @property
    def witness_key(self) -> Ed25519PublicKey:
        """The newest key with which this side co-signs."""
        return self._newest(KeyUse.WITNESS)

    def of_use(self, use: KeyUse, *, at: datetime | None = None) -> tuple[ListedKey, ...]:
        """Return the listed keys of a use: all that ever were, or those that count at a time.

        A key that was reported compromised counts at no time.
        """
        keys = (key for key in self.trust.content.keys if key.use is use)
        if at is None:
            return tuple(keys)
        return tuple(key for key in keys if key.kid not in self.revoked and key.valid_at(at))

    def _newest(self, use: KeyUse) -> Ed25519PublicKey:
        # `document.parse` has seen that there is one, and of which kind.
        sound = [key for key in self.of_use(use) if key.kid not in self.revoked] or self.of_use(use)
        return cast("Ed25519PublicKey", max(sound, key=lambda key: (key.since, key.until)).public)

    def verification_key(
        self, kid: bytes, at: datetime, *, despite_reports: bool = False
    ) -> VerificationKey | DoubleKey:
        """Return the key with this id that signs batches and receipts, if its time covers ``at``.

        With it goes how the second signature is checked, if the side lists keys for one. Raises
        ``UnknownKey`` when the document does not list it for signing, ``KeyCompromised`` when it was reported
        so (whatever ``at`` is: it is the signer's own word), and ``KeyNotValid`` (an old key, or one from the
        future) outside its time.
        """
        first = self._listed(KeyUse.SIGN, kid, at, despite_reports)
        if not self.of_use(KeyUse.SIGN_SM2):
            return cast("VerificationKey", first)

        def find_second(second: bytes) -> sm2.PublicKey:
            return cast("sm2.PublicKey", self._listed(KeyUse.SIGN_SM2, second, at, despite_reports))

        required = self.signs_twice(KeyUse.SIGN_SM2, at)
        return DoubleKey(cast("VerificationKey", first), find_second, required, self.side)

    def signs_twice(self, use: KeyUse, at: datetime) -> bool:
        """Whether what this side signs at a time needs a second signature, by a key of ``use``.

        A key that was reported compromised stands for that as well: its side has not said that it signs
        once from then on.
        """
        return any(key.valid_at(at) for key in self.of_use(use))

    def _listed(self, use: KeyUse, kid: bytes, at: datetime, despite_reports: bool) -> object:  # noqa: FBT001 - the caller's
        report = self.revoked.get(kid)
        if report is not None and not despite_reports:
            raise KeyCompromised(
                kid=kid.hex(), side=self.side, since=report.since.isoformat(), at=report.at.isoformat()
            )
        for key in self.of_use(use):
            if key.kid == kid:
                if not key.valid_at(at):
                    raise KeyNotValid(
                        kid=kid.hex(),
                        side=self.side,
                        since=key.since.isoformat(),
                        until=key.until.isoformat(),
                    )
                return key.public
        raise UnknownKey(kid=kid.hex(), side=self.side)

    def key_finder(self, at: datetime) -> Callable[[bytes], VerificationKey | DoubleKey]:
        """Return ``verification_key`` for one moment, as ``cose.verify1`` takes it."""
        return lambda kid: self.verification_key(kid, at)

    def sealing_key(self, at: datetime) -> tuple[bytes, X25519PublicKey]:
        """Return (key id, key) to seal to: the newest that is valid; raises ``NoUsableKey``."""
        valid = self.of_use(KeyUse.DECRYPT, at=at)
        if not valid:
            raise NoUsableKey(side=self.side, use=KeyUse.DECRYPT.value)
        newest = max(valid, key=lambda key: (key.since, key.until))
        return newest.kid, cast("X25519PublicKey", newest.public)
