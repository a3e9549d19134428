"""How large a file of many rows may be; the portal's front knows it too, which has no database."""

from __future__ import annotations

from typing import Final

MAX_BULK: Final = 256 << 20
"""The largest file of many rows, in bytes: a million documents need some 140 MB."""
