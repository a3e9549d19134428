"""Putting the mark into a PDF (``pdf``), with the library that a process loads when it first marks one."""

from __future__ import annotations

import logging
from typing import IO, TYPE_CHECKING, Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from kouan.apps.validation.domain import Algorithm
from kouan.apps.validation.errors import EncryptedPDF, UnusablePDF
from kouan.apps.validation.marks.pdf import KEY, find_mark
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from kouan.apps.validation.marks.mark import Mark

_log = logging.getLogger(__name__)

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
