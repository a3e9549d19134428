"""What two sides sign about a change of keys: the statement of the one, the acknowledgement of the other.

A statement is signed by every sound key that the change is about: the anchor, the outgoing keys and
their successors. So a reader who knows any key of a use sees that its holder passed it on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from cryptography import x509

from kouan.core import cbor
from kouan.core.trust import cose
from kouan.core.trust.errors import MalformedKeySet, NoContinuity
from kouan.core.trust.keys import (
    SECOND_USES,
    KeyUse,
    PublicKey,
    Signer,
    VerificationKey,
    kid_of,
    load_spki,
    spki_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kouan.core.trust.document import TrustDocument

CHANGE_TYPE: Final = "application/kouan-key-change+cose"
ACKNOWLEDGEMENT_TYPE: Final = "application/kouan-key-acknowledgement+cose"
MAX_STATEMENT: Final = 512
MAX_STATEMENTS: Final = 64
INSTALLED: Final = "installed"
"""The document is in use at the other side."""
HELD: Final = "held"
"""It has another anchor: it waits for the other side's operator."""
SUPERSEDED: Final = "superseded"
"""The other side knows a newer one."""
VERDICTS: Final = frozenset({INSTALLED, HELD, SUPERSEDED})
HASH: Final = 32
_LIMIT: Final = 1 << 53
_CHANGE: Final[dict[str, type]] = {"v": int, "side": str, "serial": int, "document": bytes, "at": int}
_ACKNOWLEDGED: Final[dict[str, type]] = {
    "v": int,
    "by": str,
    "of": str,
    "serial": int,
    "document": bytes,
    "verdict": str,
    "at": int,
}
_PASSED_ON: Final = (KeyUse.SIGN, KeyUse.LOG, KeyUse.WITNESS, *SECOND_USES)


@dataclass(frozen=True, slots=True)
class Change:
    """One side's word that a document is its newest; ``at`` in milliseconds since 1970."""

    side: str
    serial: int
    document: bytes
    """SHA-256 of the trust document."""
    at: int

    def encode(self) -> bytes:
        """Return the payload that every key signs."""
        return cbor.encode(
            {"v": 1, "side": self.side, "serial": self.serial, "document": self.document, "at": self.at}
        )


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The other side's word on what it did with a document."""

    by: str
    of: str
    serial: int
    document: bytes
    verdict: str
    at: int

    def encode(self) -> bytes:
        """Return the payload to sign."""
        return cbor.encode(
            {
                "v": 1,
                "by": self.by,
                "of": self.of,
                "serial": self.serial,
                "document": self.document,
                "verdict": self.verdict,
                "at": self.at,
            }
        )

    @classmethod
    def decode(cls, payload: bytes) -> Acknowledgement:
        """Read a payload; raises ``MalformedKeySet``."""
        raw = _map(payload, _ACKNOWLEDGED)
        if raw["verdict"] not in VERDICTS:
            raise MalformedKeySet(detail="verdict")
        return cls(raw["by"], raw["of"], raw["serial"], raw["document"], raw["verdict"], raw["at"])


@dataclass(frozen=True, slots=True)
class Vouched:
    """Which of the keys known before stand behind a new document."""

    by_anchor: bool
    by_any: bool


def sign_change(change: Change, signers: Iterable[Signer]) -> list[bytes]:
    """Return the statement signed by each key."""
    payload = change.encode()
    return [cose.sign1(payload, signer, content_type=CHANGE_TYPE) for signer in signers]


def check_change(
    data: bytes, new: TrustDocument, known: TrustDocument, statements: Sequence[bytes]
) -> Vouched:
    """Check that ``new``, whose bytes are ``data``, continues what was known of its side.

    Each statement must be about ``new``, and hold if its key is one that either document names; what
    unknown keys say is passed over. Returns which of the known keys vouch for it. Under the same
    anchor every new key to sign, log or witness needs the word of a known one of its use (and a new TLS
    CA that of a known CA), unless all of those are reported compromised: then the anchor speaks alone.

    Raises ``MalformedKeySet``, ``MalformedSignature``, ``BadSignature`` or ``NoContinuity``.
    """
    if not 0 < len(statements) <= MAX_STATEMENTS:
        raise MalformedKeySet(detail="number of statements")
    named = _named(new) | _named(known)
    digest = hashlib.sha256(data).digest()
    spoke: set[bytes] = set()
    for statement in statements:
        signed = cose.read1(statement, content_type=CHANGE_TYPE, max_bytes=MAX_STATEMENT + cose.OVERHEAD)
        raw = _map(signed.payload, _CHANGE)
        if (raw["side"], raw["serial"], raw["document"]) != (new.side, new.serial, digest):
            raise MalformedKeySet(detail="a statement about another document")
        key = named.get(signed.kid)
        if key is not None:
            signed.verify(cast("VerificationKey", key))
            spoke.add(signed.kid)
    if kid_of(new.content.anchor_spki) not in spoke:
        raise MalformedKeySet(detail="its anchor says nothing")
    out = {item.kid for item in (*known.content.revoked, *new.content.revoked)}
    for use in _PASSED_ON:
        before = {key.kid for key in known.content.keys if key.use is use}
        after = {key.kid for key in new.content.keys if key.use is use}
        _continues(new.side, use, before, after, spoke=spoke, out=out)
    _continues(new.side, KeyUse.TLS_CA, _cas(known).keys(), _cas(new).keys(), spoke=spoke, out=out)
    return Vouched(
        by_anchor=kid_of(known.content.anchor_spki) in spoke - out,
        by_any=bool(_named(known).keys() & (spoke - out)),
    )


def _continues(  # noqa: PLR0913 - what is compared
    side: str,
    use: KeyUse,
    before: Iterable[bytes],
    after: Iterable[bytes],
    *,
    spoke: set[bytes],
    out: set[bytes],
) -> None:
    known = set(before)
    sound = known - out
    if set(after) - known and sound and not sound & spoke:
        raise NoContinuity(side=side, use=use.value)


def read_acknowledgement(data: bytes) -> tuple[cose.Unverified, Acknowledgement]:
    """Return an acknowledgement and its signature, not verified yet; raises as ``check_change`` does."""
    signed = cose.read1(data, content_type=ACKNOWLEDGEMENT_TYPE, max_bytes=MAX_STATEMENT + cose.OVERHEAD)
    return signed, Acknowledgement.decode(signed.payload)


def _named(trust: TrustDocument) -> dict[bytes, PublicKey]:
    content = trust.content
    named: dict[bytes, PublicKey] = {key.kid: key.public for key in content.keys if key.use in _PASSED_ON}
    named[kid_of(content.anchor_spki)] = load_spki(content.anchor_spki)
    return named | _cas(trust)


def _cas(trust: TrustDocument) -> dict[bytes, PublicKey]:
    # `document.parse` has seen that these are certificates with P-256 keys.
    keys = [
        cast("PublicKey", x509.load_der_x509_certificate(der).public_key())
        for der in (trust.content.tls_ca, *trust.content.tls_before)
    ]
    return {kid_of(spki_of(key)): key for key in keys}


def _map(payload: bytes, shape: dict[str, type]) -> dict[str, Any]:
    try:
        value = cbor.decode(payload, max_bytes=MAX_STATEMENT, max_depth=2)
    except cbor.NotDeterministicCBOR as error:
        raise MalformedKeySet(detail=str(error.params["detail"])) from None
    if not isinstance(value, dict) or set(value) != set(shape):
        raise MalformedKeySet(detail="its fields")
    raw = cast("dict[str, Any]", value)
    for name, kind in shape.items():
        if type(raw[name]) is not kind:
            raise MalformedKeySet(detail=name)
    if raw["v"] != 1 or not 1 <= raw["serial"] < _LIMIT or not 0 <= raw["at"] < _LIMIT:
        raise MalformedKeySet(detail="a number out of range")
    if len(raw["document"]) != HASH:
        raise MalformedKeySet(detail="the document's hash")
    return raw
