"""One way in for every kind of file: mark it, or find its mark and take its fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Final

from kouan.apps.validation.domain import Algorithm, Reference
from kouan.apps.validation.errors import AlreadyMarked, EmptyFile, UnusableJSON, UploadTooLarge
from kouan.apps.validation.marks import credential as credentials
from kouan.apps.validation.marks import json, package, pdf
from kouan.apps.validation.marks.fingerprint import fingerprint
from kouan.apps.validation.marks.mark import MAX_CARRIED, MAX_FILE, CarriedAs, Mark

_HEAD: Final = 4096
"""How many first bytes tell what a file is and, in a package, hold the whole mark."""
_CHUNK: Final = 1 << 20
_SPACE: Final = b" \t\r\n"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of marking a document: how it carries its mark, and its fingerprint."""

    carried_as: CarriedAs
    digest: bytes
    size: int
    """Bytes of the carried file."""
    reference: Reference
    """The mark's, or the one that a credential names by itself."""
    algorithm: Algorithm


@dataclass(frozen=True, slots=True)
class Found:
    """What a file says about itself: its mark, if any, and its fingerprint (32 bytes)."""

    mark: Mark | None
    digest: bytes
    """By the mark's algorithm, SHA-256 without a mark."""
    size: int
    damaged_mark: bool = False
    """Whether something stands in the mark's own place that is no mark."""
    credential: credentials.Credential | None = None
    """What a credential says, which carries no mark."""

    @property
    def algorithm(self) -> Algorithm:
        """How ``digest`` was computed."""
        return _algorithm(self.mark or self.credential)

    @property
    def reference(self) -> Reference | None:
        """The document's reference, if the file names it."""
        named = self.mark or self.credential
        return named.reference if named is not None else None


def carry(
    source: IO[bytes], destination: IO[bytes], mark: Mark, *, name: str, as_package: bool = False
) -> Carried:
    """Write the carried file of ``source`` to ``destination`` (readable, empty) and describe it.

    ``source`` has 1 byte to ``MAX_FILE`` bytes. With ``as_package`` the original's bytes stay as they
    are whatever it is. Raises a ``ValidationError`` that says what stands in the way.
    """
    _size(source)
    head = _head(source)
    present = (
        _mark_in_json(source)
        if as_package and _sniff(head) is CarriedAs.JSON
        else _mark_by_bytes(source, head)
    )
    if present is not None:
        raise AlreadyMarked(reference=str(present.reference))
    found = None if as_package else _credential(source, head)
    if found is not None:
        credentials.check(found, algorithm=mark.algorithm, side=mark.reference.side, issuer=mark.issuer)
        return _carry_credential(source, destination, found, mark)
    carried_as = CarriedAs.PACKAGE if as_package else _sniff(head)
    match carried_as:
        case CarriedAs.JSON:
            source.seek(0)
            destination.write(json.put_mark(source.read(json.MAX_JSON + 1), mark))
        case CarriedAs.PDF:
            from kouan.apps.validation.marks import pdfwriting  # noqa: PLC0415 - heavy, and few processes mark

            pdfwriting.put_mark(source, destination, mark)
        case CarriedAs.PACKAGE:
            package.put_mark(source, destination, mark, name=name)
    written = examine(destination)
    if written.mark != mark:
        raise AssertionError("the mark that was put in is not the one that is found")
    return Carried(carried_as, written.digest, written.size, mark.reference, mark.algorithm)


def examine(source: IO[bytes]) -> Found:
    """Return the mark and the fingerprint of an untrusted file, with bounded memory.

    Raises ``EmptyFile``, ``UploadTooLarge`` or, for a file that begins like a JSON object, an
    ``UnusableJSON``.
    """
    size = _size(source, limit=MAX_CARRIED)
    head = _head(source)
    if _sniff(head) is CarriedAs.JSON:
        source.seek(0)
        value = json.parse(source.read(json.MAX_CARRIED + 1), limit=json.MAX_CARRIED)
        mark = json.find_mark(value)
        digest = fingerprint([json.canonical(value)], _algorithm(mark))
        return Found(mark, digest, size, damaged_mark=mark is None and json.MEMBER in value)
    if (text := _credential(source, head)) is not None:
        return Found(None, fingerprint([text.signed], text.algorithm), size, credential=text)
    mark = _mark_by_bytes(source, head)
    damaged = mark is None and package.has_place(head)
    return Found(mark, take_fingerprint(source, _algorithm(mark)), size, damaged_mark=damaged)


def take_fingerprint(source: IO[bytes], algorithm: Algorithm = Algorithm.SHA_256) -> bytes:
    """Return the fingerprint of the file's exact bytes."""
    source.seek(0)
    return fingerprint(iter(lambda: source.read(_CHUNK), b""), algorithm)


def _algorithm(named: Mark | credentials.Credential | None) -> Algorithm:
    return Algorithm.SHA_256 if named is None else named.algorithm


def _credential(source: IO[bytes], head: bytes) -> credentials.Credential | None:
    return credentials.read(source) if credentials.looks_like(head) else None


def _carry_credential(
    source: IO[bytes], destination: IO[bytes], found: credentials.Credential, mark: Mark
) -> Carried:
    """Hand a credential on as it is: nothing can be put into what is signed."""
    source.seek(0)
    size = destination.write(source.read(credentials.MAX_CREDENTIAL))
    digest = fingerprint([found.signed], found.algorithm)
    return Carried(CarriedAs.CREDENTIAL, digest, size, found.reference or mark.reference, found.algorithm)


def _mark_in_json(source: IO[bytes]) -> Mark | None:
    """Return the mark of a document that may also be packed because its JSON cannot be taken."""
    source.seek(0)
    try:
        return json.find_mark(json.parse(source.read(json.MAX_CARRIED + 1), limit=json.MAX_CARRIED))
    except UnusableJSON:
        return None


def _mark_by_bytes(source: IO[bytes], head: bytes) -> Mark | None:
    return pdf.find_mark(source) if _sniff(head) is CarriedAs.PDF else package.find_mark(head)


def _sniff(head: bytes) -> CarriedAs:
    if head.removeprefix(_BYTE_ORDER_MARK).lstrip(_SPACE).startswith(b"{"):
        return CarriedAs.JSON
    # A package goes before PDF: one that holds a PDF has a PDF's header among its first bytes too.
    if not package.looks_like(head) and pdf.looks_like(head):
        return CarriedAs.PDF
    return CarriedAs.PACKAGE


def _head(source: IO[bytes]) -> bytes:
    source.seek(0)
    return source.read(_HEAD)


def _size(source: IO[bytes], *, limit: int = MAX_FILE) -> int:
    size = source.seek(0, 2)
    if size == 0:
        raise EmptyFile
    if size > limit:
        raise UploadTooLarge(limit=MAX_FILE >> 20)
    return size
