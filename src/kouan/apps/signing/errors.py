"""What this app refuses, in the reader's language. Each part has its own branch."""

from __future__ import annotations

from kouan.core.errors import KouanError


class SigningError(KouanError):
    """Base of what signing refuses."""

    code = "signing-error"
