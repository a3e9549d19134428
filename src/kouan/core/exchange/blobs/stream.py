"""How a file is sealed: STREAM over AES-256-GCM, in chunks of 1 MiB; pure, one chunk in memory.

STREAM is the construction of Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption
and its Nonce-Reuse Misuse-Resistance" (CRYPTO 2015), section 7, with the nonce of the age format
(C2SP age, "Payload"): 11 bytes count the chunks, one byte marks the last. A chunk that was changed, moved,
repeated, left out, or after which the stream was cut, does not open. Each file has a fresh random key that
seals it once, so no nonce occurs twice under a key (NIST SP 800-38D section 8.2.1).
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kouan.core.exchange.blobs.errors import DamagedChunk

CHUNK: Final = 1 << 20
"""Bytes of content in every chunk but the last."""
TAG: Final = 16
SEALED_CHUNK: Final = CHUNK + TAG
KEY_BYTES: Final = 32
_LABEL: Final = b"kouan-blob-key/1\x00"


def new_key() -> bytes:
    """Return a fresh random key for one file."""
    return secrets.token_bytes(KEY_BYTES)


def key_info(*, sender: str, receiver: str, blob_id: bytes, size: int, sha256: bytes) -> bytes:
    """Return what binds a wrapped key to its one file (HPKE's ``info``, RFC 9180 section 5.1)."""
    return _LABEL + f"{sender}\0{receiver}\0{size}\0".encode() + blob_id + sha256


def chunks_of(size: int) -> int:
    """Return how many chunks a file of ``size`` bytes has; an empty one has one, which is empty."""
    return max(1, -(-size // CHUNK))


def sealed_size(size: int) -> int:
    """Return how many bytes a file of ``size`` bytes has when it is sealed."""
    return size + TAG * chunks_of(size)


def sealed_length(index: int, size: int) -> int:
    """Return how many bytes the sealed chunk ``index`` of a file of ``size`` bytes has."""
    return min(CHUNK, size - index * CHUNK) + TAG


class Chunks:
    """Seals or opens the chunks of one file."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, index: int, content: bytes, *, last: bool) -> bytes:
        """Return one chunk sealed, 16 bytes longer; each index must be sealed once only."""
        return self._cipher.encrypt(_nonce(index, last=last), content, None)

    def open(self, index: int, sealed: bytes, *, last: bool) -> bytes:
        """Return one chunk's content; raises ``DamagedChunk`` if it is not exactly that chunk."""
        try:
            return self._cipher.decrypt(_nonce(index, last=last), sealed, None)
        except (InvalidTag, ValueError):
            raise DamagedChunk(chunk=index) from None


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11) + (b"\x01" if last else b"\x00")
