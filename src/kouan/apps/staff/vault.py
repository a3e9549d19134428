"""Authenticator apps' secrets at rest: AES-256-GCM under a key that HKDF derives from the node's secret.

The account is bound in, so that a sealed secret put into another row does not open.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from kouan.apps.staff.errors import UnreadableSecret

_NONCE: Final = 12


def _key() -> bytes:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"kouan/staff/totp-secrets/1")
    return derive.derive(settings.NODE.secret_key.encode())


def seal(secret: str, *, account: int) -> bytes:
    """Return a secret as it is kept."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(_key()).encrypt(nonce, secret.encode(), str(account).encode())


def unseal(sealed: bytes, *, account: int) -> str:
    """Return a kept secret; raises ``UnreadableSecret`` when the node's secret is another one now."""
    try:
        return AESGCM(_key()).decrypt(sealed[:_NONCE], sealed[_NONCE:], str(account).encode()).decode()
    except (InvalidTag, ValueError):
        raise UnreadableSecret from None
