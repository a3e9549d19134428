"""Fingerprints: 32 bytes from any number of bytes, by the algorithm that an institution chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes

from kouan.apps.validation.domain import Algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HASHES: Final[Mapping[Algorithm, type[hashes.SHA256 | hashes.SM3]]] = {
    Algorithm.SHA_256: hashes.SHA256,
    Algorithm.SM3: hashes.SM3,
}


def fingerprint(pieces: Iterable[bytes], algorithm: Algorithm = Algorithm.SHA_256) -> bytes:
    """Return the fingerprint (32 bytes) of what the pieces are together."""
    context = hashes.Hash(_HASHES[algorithm]())
    for piece in pieces:
        context.update(piece)
    return context.finalize()
