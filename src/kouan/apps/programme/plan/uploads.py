"""Files that an officer uploads: what is too large for a paper is refused, and names are made sound."""

from __future__ import annotations

import re
from typing import Final

from kouan.apps.programme.crossings import MAX_FILE
from kouan.apps.programme.plan import errors
from kouan.web.uploads import taking_file

_UNSOUND: Final = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u202a-\u202e\u2066-\u2069]+")
_MOST_NAME: Final = 120

taking_a_file: Final = taking_file(MAX_FILE, lambda: errors.PaperTooLarge(megabytes=MAX_FILE >> 20))
"""Prepares a view whose form may bring a file; whoever takes it sees whether it is larger than a paper."""


def sound_name(name: str) -> str:
    """Return a file's name without what could mislead whoever opens it."""
    name = _UNSOUND.sub("_", name).strip(". ") or "file"
    if len(name) <= _MOST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{stem[: _MOST_NAME - len(ending) - 1]}{dot}{ending}" if len(ending) <= 10 else name[:_MOST_NAME]  # noqa: PLR2004 - longer ones are none
