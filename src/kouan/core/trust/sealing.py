"""Sealing: only the receiver opens, and one message can be disclosed without the others.

A batch has one fresh 32-byte key, wrapped to the receiver with HPKE (RFC 9180, base mode; X25519,
HKDF-SHA256, AES-256-GCM). Each message's own key is derived from it with the message's id.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kouan.core.trust.errors import CannotOpen

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

KEY_BYTES: Final = 32
TAG_BYTES: Final = 16
WRAPPED_BYTES: Final = 32 + KEY_BYTES + TAG_BYTES
"""Length of a wrapped key: the KEM's share, the key and the tag."""

_HPKE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_MESSAGE_LABEL: Final = b"kouan/1 message key\x00"
_NONCE: Final = bytes(12)


def new_batch_key() -> bytes:
    """Return a fresh random batch key of 32 bytes."""
    return secrets.token_bytes(KEY_BYTES)


def wrap_batch_key(key32: bytes, recipient_public: X25519PublicKey, *, info: bytes) -> bytes:
    """Return ``key32`` wrapped for the receiver (80 bytes: encapsulated share, ciphertext, tag).

    ``info`` binds the wrap to its place (sender, receiver, batch): unwrapping needs the same bytes.
    """
    if len(key32) != KEY_BYTES:
        raise ValueError("a batch key has 32 bytes")
    return _HPKE.encrypt(key32, recipient_public, info)


def unwrap_batch_key(wrapped: bytes, private: X25519PrivateKey, *, info: bytes) -> bytes:
    """Return the batch key; raises ``CannotOpen`` if anything was changed or is meant for another."""
    if len(wrapped) != WRAPPED_BYTES:
        raise CannotOpen
    try:
        return _HPKE.decrypt(wrapped, private, info)
    except Exception:  # noqa: BLE001 - whatever the library raises on a peer's bytes, they do not open
        raise CannotOpen from None


def message_key(batch_key: bytes, message_id: bytes) -> bytes:
    """Return one message's own 32-byte key: HKDF-Expand with SHA-256 (RFC 5869 section 2.3).

    The batch key is uniformly random, so the extract step is not needed (section 3.3). Giving away
    a message's key opens that message alone.
    """
    # One block is all that 32 bytes take: T(1) = HMAC(key, info ‖ 0x01).
    return hmac.digest(batch_key, _MESSAGE_LABEL + message_id + b"\x01", "sha256")


def seal(key: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Return ``plaintext`` encrypted under AES-256-GCM with ``aad`` bound to it; 16 bytes longer.

    The nonce is all zeros. GCM asks that a nonce never repeats *under one key*; here each key comes
    from a fresh random batch key and an id that occurs once in the batch, and seals once.
    """
    return AESGCM(key).encrypt(_NONCE, plaintext, aad)


def open_sealed(key: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """Return the plaintext; raises ``CannotOpen`` if key, ciphertext or ``aad`` is another."""
    try:
        return AESGCM(key).decrypt(_NONCE, ciphertext, aad)
    except (InvalidTag, ValueError):
        raise CannotOpen from None
