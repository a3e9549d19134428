"""What this app keeps of persons is sealed: JSON and files, each bound to the row that it belongs to."""

from __future__ import annotations

import json
from typing import Any, Final

import rfc8785

from kouan.core.vault import Vault

_VAULT: Final = Vault("services/persons/1")


def seal(data: bytes, *, of: str) -> bytes:
    """Return bytes as they are kept for what ``of`` names, such as ``application 5f… answers``."""
    return _VAULT.seal(data, of=of)


def unseal(kept: bytes | memoryview, *, of: str) -> bytes:
    """Return what was sealed for ``of``; nothing was kept as nothing. Raises ``Unsealable``."""
    kept = bytes(kept)
    return _VAULT.unseal(kept, of=of) if kept else b""


def seal_json(value: Any, *, of: str) -> bytes:
    """Return a JSON value as it is kept; canonical inside (RFC 8785)."""
    return seal(rfc8785.dumps(value), of=of)


def unseal_json(kept: bytes | memoryview, *, of: str) -> Any:
    """Return the JSON value that was sealed for ``of``; ``None`` for nothing."""
    data = unseal(kept, of=of)
    return json.loads(data) if data else None
