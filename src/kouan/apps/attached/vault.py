"""Webhook secrets at rest; see ``kouan.core.vault``."""

from __future__ import annotations

from typing import Final

from kouan.apps.attached.errors import UnreadableSecret
from kouan.core.vault import Unsealable, Vault

_VAULT: Final = Vault("attached/webhook-secrets/1")


def seal(secret: bytes, *, system: str) -> bytes:
    """Return a secret as it is kept."""
    return _VAULT.seal(secret, of=system)


def unseal(sealed: bytes, *, system: str) -> bytes:
    """Return a kept secret; raises ``UnreadableSecret`` when the node's secret is another one now."""
    try:
        return _VAULT.unseal(sealed, of=system)
    except Unsealable:
        raise UnreadableSecret(name=system) from None
