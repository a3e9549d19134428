"""PDF documents: the mark as an incremental update (ISO 32000-2 section 7.5.6).

The document's own bytes stay as they are, so every signature in it keeps its byte range. The mark
is an entry of the document information dictionary, because that is what programs that judge changes
after a signature take for harmless. It is written as plain characters, so that it is found without a
PDF parser; ``pdfwriting`` puts it in.
"""

from __future__ import annotations

import re
from typing import IO, Final

from kouan.apps.validation.domain import REFERENCE_PATTERN, Algorithm
from kouan.apps.validation.marks.mark import INSTITUTION_CODE, Mark

KEY: Final = "/Kouan"
HEADER_WITHIN: Final = 1024
"""A PDF's header stands within this many first bytes."""

_PATTERN: Final = re.compile(
    rf"/Kouan \(kouan-mark/(?:1|2; algorithm=([a-z0-9-]{{1,16}})); reference=({REFERENCE_PATTERN}); "
    rf"issuer=({INSTITUTION_CODE}); side=([a-z]{{2,8}}); salt=([0-9a-f]{{64}})\)".encode()
)
_LONGEST: Final = 256
"""No written mark is longer, in bytes."""
_CHUNK: Final = 1 << 20


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with ``head`` is a PDF."""
    return b"%PDF-" in head[:HEADER_WITHIN]


def find_mark(source: IO[bytes]) -> Mark | None:
    """Return the last mark in the file's bytes, ``None`` if there is none; memory stays bounded."""
    source.seek(0)
    found: Mark | None = None
    window = b""
    while chunk := source.read(_CHUNK):
        window = window[-_LONGEST:] + chunk
        for match in _PATTERN.finditer(window):
            algorithm, *parts = ((part or b"").decode("ascii") for part in match.groups())
            found = _mark(algorithm, *parts) or found
    return found


def _mark(algorithm: str, reference: str, issuer: str, side: str, salt: str) -> Mark | None:
    if algorithm == Algorithm.SHA_256:  # which the first form means, and no other names
        return None
    return Mark.from_texts(
        reference=reference,
        issuer=issuer,
        side=side,
        salt=salt,
        algorithm=algorithm or Algorithm.SHA_256,
    )
