"""Secrets at rest: sealed with AES-256-GCM under a key that HKDF derives from the node's secret.

Each vault has a purpose, and so a key of its own. What a secret belongs to is bound in, so that a sealed
one put into another row does not open. Who has the database alone reads none; who has the node's secret
as well reads all: it acts as the node anyway.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE: Final = 12


class Unsealable(Exception):
    """What was kept does not open: the node's secret is another one now, or it belongs elsewhere."""


class Vault:
    """Seals for one purpose, such as ``attached/webhook-secrets/1``."""

    def __init__(self, purpose: str) -> None:
        self._info = f"kouan/{purpose}".encode()
        self._opened: tuple[str, AESGCM] | None = None

    def seal(self, secret: bytes, *, of: str) -> bytes:
        """Return ``secret`` as it is kept for what ``of`` names."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher().encrypt(nonce, secret, of.encode())

    def unseal(self, sealed: bytes, *, of: str) -> bytes:
        """Return what was sealed for ``of``; raises ``Unsealable``."""
        try:
            return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], of.encode())
        except (InvalidTag, ValueError):
            raise Unsealable from None

    def _cipher(self) -> AESGCM:
        secret: str = settings.NODE.secret_key
        held = self._opened
        if held is None or held[0] != secret:
            key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=self._info)
            held = self._opened = (secret, AESGCM(key.derive(secret.encode())))
        return held[1]
