"""Names of files that come from another side: what may be shown, and written to a disk."""

from __future__ import annotations

import unicodedata
from typing import Final

MAX_NAME: Final = 120
"""Characters of a name; 255 bytes, what file systems take, hold at least 63 of any script."""
MAX_NAME_BYTES: Final = 255
_NOT_IN_NAMES: Final = frozenset('/\\:*?"<>|')


def sound_name(name: str) -> bool:
    """Whether a name is one plain file name, on any system, and looks like what it is.

    No folders, no control or format characters (which could turn the direction of the text round and hide
    a suffix), nothing hidden, nothing at its ends that a system would drop.
    """
    return (
        0 < len(name) <= MAX_NAME
        and not name.startswith((".", " ", "-"))
        and not name.endswith((".", " "))
        and not any(one in _NOT_IN_NAMES or unicodedata.category(one)[0] == "C" for one in name)
        and len(name.encode("utf-8", "replace")) <= MAX_NAME_BYTES
    )
