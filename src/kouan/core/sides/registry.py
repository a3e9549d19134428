"""The sides this process knows: the package's, and those in the folder ``sides`` beside ``node.toml``."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kouan.config import NODE_VARIABLE
from kouan.core.sides.loader import load_sides
from kouan.core.sides.model import Side, UnknownDocumentError, UnknownSideError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.core.sides.documents import DocumentFormat


def get_side(code: str) -> Side:
    """Return the side with ``code``, such as ``hk``; raises ``UnknownSideError``."""
    side = _sides().get(code)
    if side is None:
        raise UnknownSideError(side=code[:40])
    return side


def side_name(code: str) -> str:
    """Return a side's name in the active language; a code that no data file knows stays as it is."""
    try:
        return str(get_side(code).name)
    except UnknownSideError:
        return code


def all_sides() -> tuple[Side, ...]:
    """Return every known side, in the order of their codes."""
    known = _sides()
    return tuple(known[code] for code in sorted(known))


def get_document(code: str) -> DocumentFormat:
    """Return the identity document with ``code`` of whichever side issues it.

    Raises ``UnknownDocumentError``.
    """
    for side in all_sides():
        for document in side.documents:
            if document.code == code:
                return document
    raise UnknownDocumentError(document=code[:40])


@cache
def _sides() -> Mapping[str, Side]:
    # Read from the environment rather than the settings: `kouan verify` names sides with no node at hand.
    node = os.environ.get(NODE_VARIABLE)
    return load_sides(Path(node).resolve().parent / "sides" if node else None)
