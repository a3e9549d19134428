"""The section ``[payments]``: who takes fees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS: Final[dict[str, type | tuple[type, ...]]] = {"providers": list}
_PATH: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def read(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the providers' paths, the first one first; a ``ValueError`` says what is wrong."""
    found = given.get("providers", [])
    for each in found:
        if not isinstance(each, str) or not _PATH.fullmatch(each):
            raise ValueError("`payments.providers` must name each as package.module:name.")
    return tuple(found)
