"""PDF documents: the mark as an incremental update (ISO 32000-2 section 7.5.6).

The document's own bytes stay as they are, so every signature in it keeps its byte range. The mark
is an entry of the document information dictionary, because that is what programs that judge changes
after a signature take for harmless. It is written as plain characters, so that it is found without a
PDF parser.
"""

from __future__ import annotations

import logging
import re
from typing import IO, Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from kouan.apps.validation.domain import REFERENCE_PATTERN, Algorithm
from kouan.apps.validation.errors import EncryptedPDF, UnusablePDF
from kouan.apps.validation.marks.mark import INSTITUTION_CODE, Mark
from kouan.core.errors import KouanError

_log = logging.getLogger(__name__)

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


class _PlainText(generic.TextStringObject):
    """A literal string of characters that need no escape, written just so."""

    def write_to_stream(self, stream: Any, handler: Any = None, container_ref: Any = None) -> None:  # noqa: ARG002 - the library's signature
        stream.write(b"(" + self.encode("ascii") + b")")


class _MarkWriter(IncrementalPdfFileWriter):
    """Adds the mark and nothing else: no other producer, no other version, no new metadata."""

    output_version = (1, 4)

    def _update_meta(self) -> None:
        """Leave the issuer's metadata as they are."""

    def _write_header(self, stream: Any) -> None:
        super()._write_header(stream)  # type: ignore[no-untyped-call]
        self.input_stream.seek(-1, 2)
        if self.input_stream.read(1) not in b"\r\n":
            stream.write(b"\n")


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with ``head`` is a PDF."""
    return b"%PDF-" in head[:HEADER_WITHIN]


def put_mark(source: IO[bytes], destination: IO[bytes], mark: Mark) -> None:
    """Write ``source`` followed by an update that adds the mark.

    ``destination`` is readable and empty. Raises ``EncryptedPDF``, or ``UnusablePDF`` for whatever
    else the parser stumbles over.
    """
    try:
        source.seek(0)
        writer = _MarkWriter(source, strict=False)
        _add(writer, mark)
        writer.write(destination)  # type: ignore[no-untyped-call]
        _prove(source, destination, mark)
    except KouanError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the parser raises, the file is at fault
        _log.info("a PDF could not be marked: %s", type(error).__name__)
        raise UnusablePDF from None


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


def _add(writer: IncrementalPdfFileWriter, mark: Mark) -> None:
    if writer.security_handler is not None:
        raise EncryptedPDF
    form = "1" if mark.algorithm is Algorithm.SHA_256 else f"2; algorithm={mark.algorithm.value}"
    text = _PlainText(
        f"kouan-mark/{form}; reference={mark.reference}; issuer={mark.issuer}; "
        f"side={mark.reference.side}; salt={mark.salt.hex()}"
    )
    try:
        present = writer.trailer["/Info"]
    except KeyError:
        present = None
    known = present if isinstance(present, generic.DictionaryObject) else {}
    info = generic.DictionaryObject(known)
    info[generic.NameObject(KEY)] = text
    writer.set_info(writer.add_object(info))


def _prove(source: IO[bytes], destination: IO[bytes], mark: Mark) -> None:
    """Check what was written: the original's bytes first, a readable file, and our mark in it."""
    source.seek(0)
    destination.seek(0)
    while chunk := source.read(_CHUNK):
        if destination.read(len(chunk)) != chunk:
            raise UnusablePDF
    reread = _MarkWriter(destination, strict=False)
    entry = reread.trailer["/Info"][KEY]
    if str(mark.reference) not in entry or find_mark(destination) != mark:
        raise UnusablePDF
