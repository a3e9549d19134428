"""Webhook secrets at rest: sealed with AES-256-GCM under a key that HKDF derives from the node's secret.

The system's name is bound in, so that a sealed secret put into another row does not open. Who has the
database alone reads none; who has the node's secret as well reads all: it signs as the node anyway.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from kouan.apps.attached.errors import UnreadableSecret

_NONCE: Final = 12


def _key() -> bytes:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"kouan/attached/webhook-secrets/1")
    return derive.derive(settings.NODE.secret_key.encode())


def seal(secret: bytes, *, system: str) -> bytes:
    """Return a secret as it is kept."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(_key()).encrypt(nonce, secret, system.encode())


def unseal(sealed: bytes, *, system: str) -> bytes:
    """Return a kept secret; raises ``UnreadableSecret`` when the node's secret is another one now."""
    try:
        return AESGCM(_key()).decrypt(sealed[:_NONCE], sealed[_NONCE:], system.encode())
    except (InvalidTag, ValueError):
        raise UnreadableSecret(name=system) from None
