"""The ZIP container of an OFD document (GB/T 33190 section 6), read within limits.

Two readers must not see two documents in one file. Some go by the directory at its end, others by the headers
on the way: so every byte belongs to a file that both name alike, no name is there twice (nor in other
capitals), and Zip64, encryption and names that lead out of the container are refused.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import unicodedata
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes

from kouan.apps.signing.ofd import limits
from kouan.apps.signing.ofd.codes import Problem
from kouan.apps.signing.ofd.errors import UnreadableOfd

if TYPE_CHECKING:
    from collections.abc import Iterator

_END: Final = struct.Struct("<4s4H2LH")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_ENTRY: Final = struct.Struct("<4s24x3H")
_ENTRY_REST: Final = 12
"""An entry of the directory up to the lengths of its name, extra field and comment, and what follows them."""
_EXTRA: Final = struct.Struct("<2H")
_UNICODE_PATH: Final = 0x7075
_DESCRIBED: Final = 0x8
_DESCRIPTORS: Final = (12, 16)
"""Bytes of a data descriptor, without and with its mark (APPNOTE 4.3.9)."""
_ZIP64: Final = b"PK\x06\x07"
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_UTF8: Final = 0x800
_UNSOUND: Final = re.compile(r"[\x00-\x1f\x7f\\:]|^/|//|^\s|\s$")
_CHUNK: Final = 1 << 18
_OPENING: Final = b"PK\x03\x04"


class Container:
    """The files of a container, by name; a name is the path from its root, with no slash before it.

    Names are found whatever their capitals: producers write ``TPLS`` for ``Tpls``, and no two names differ
    in capitals alone.
    """

    def __init__(self, data: bytes) -> None:
        """Open the container; raises ``UnreadableOfd``. Nothing is unpacked yet."""
        self._zip = _opened(data)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._names: dict[str, str] = {}
        self._digests: dict[tuple[str, str], bytes] = {}
        total = 0
        for entry in self._zip.infolist():
            name = _name(entry)
            folder = name.endswith("/")
            folded = _folded(name.rstrip("/"))
            if folded in self._names or (folder and entry.file_size):
                raise UnreadableOfd(Problem.NAME_TWICE, name)
            _check(entry, name)
            total += entry.file_size
            if total > limits.MAX_UNPACKED:
                raise UnreadableOfd(Problem.BOMB, name)
            self._names[folded] = name
            if not folder:
                self._entries[name] = entry

    @property
    def names(self) -> tuple[str, ...]:
        """The files' names, in the order of the container."""
        return tuple(self._entries)

    def find(self, name: str) -> str | None:
        """Return how the container writes a name, or ``None`` where it has no such file."""
        found = self._names.get(_folded(name))
        return found if found in self._entries else None

    def size(self, name: str) -> int:
        """Return a file's size, unpacked, in bytes."""
        return self._entries[name].file_size

    def read(self, name: str, *, limit: int = limits.MAX_PART) -> bytes:
        """Return a file's bytes; raises ``UnreadableOfd`` if it is missing, damaged or over ``limit``."""
        found = self.find(name)
        if found is None:
            raise UnreadableOfd(Problem.MISSING, name)
        if self.size(found) > limit:
            raise UnreadableOfd(Problem.TOO_LARGE, found)
        return b"".join(self._pieces(found))

    def digest(self, name: str, algorithm: str) -> bytes:
        """Return a file's digest, by ``sm3`` or a name of hashlib's; raises ``UnreadableOfd``."""
        if (name, algorithm) not in self._digests:
            if algorithm == "sm3":
                sm3 = hashes.Hash(hashes.SM3())
                for piece in self._pieces(name):
                    sm3.update(piece)
                value = sm3.finalize()
            else:
                other = hashlib.new(algorithm, usedforsecurity=False)
                for piece in self._pieces(name):
                    other.update(piece)
                value = other.digest()
            self._digests[name, algorithm] = value
        return self._digests[name, algorithm]

    def _pieces(self, name: str) -> Iterator[bytes]:
        entry = self._entries[name]
        left = entry.file_size
        try:
            with self._zip.open(entry) as stream:
                while piece := stream.read(_CHUNK):
                    left -= len(piece)
                    yield piece
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            NotImplementedError,
            RuntimeError,
            ValueError,
        ):
            raise UnreadableOfd(Problem.DAMAGED, name) from None
        if left:
            raise UnreadableOfd(Problem.DAMAGED, name)


def listed_names(file: IO[bytes]) -> list[bytes] | None:
    """Return the names in the directory of a ZIP file, as bytes; ``None`` where none can be read.

    The file is not held: only its end is read.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END.size - 0xFFFF))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        return None
    _, _, _, _, count, length, offset, _ = _END.unpack_from(tail, at)
    if count > limits.MAX_PARTS or length > limits.MAX_DIRECTORY:
        return None
    file.seek(offset)
    directory = file.read(length)
    found, place = [], 0
    while len(directory) - place >= _ENTRY.size:
        mark, name, extra, comment = _ENTRY.unpack_from(directory, place)
        if mark != b"PK\x01\x02":
            return None
        place += _ENTRY.size + _ENTRY_REST
        found.append(directory[place : place + name])
        place += name + extra + comment
    return found or None


def _opened(data: bytes) -> zipfile.ZipFile:
    if len(data) > limits.MAX_FILE:
        raise UnreadableOfd(Problem.TOO_LARGE)
    if not data.startswith(_OPENING):
        raise UnreadableOfd(Problem.NOT_ZIP)
    count = _entries_said(data)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError, struct.error):
        raise UnreadableOfd(Problem.DAMAGED) from None
    if len(archive.filelist) != count:
        raise UnreadableOfd(Problem.DAMAGED)
    _whole(data, archive)
    return archive


def _whole(data: bytes, archive: zipfile.ZipFile) -> None:
    """Check that files stand one after another up to the directory, each named there as in its header."""
    at, described = 0, False
    for entry in sorted(archive.filelist, key=lambda entry: entry.header_offset):
        gap = entry.header_offset - at
        if (gap and (gap not in _DESCRIPTORS or not described)) or len(data) - at - gap < _LOCAL.size:
            raise UnreadableOfd(Problem.DAMAGED)
        at += gap
        mark, _version, flags, method, _time, _date, _crc, _packed, _size, name, extra = _LOCAL.unpack_from(
            data, at
        )
        raw = entry.orig_filename.encode("utf-8" if entry.flag_bits & _UTF8 else "cp437", "replace")
        begin = at + _LOCAL.size
        alike = mark == _OPENING and method == entry.compress_type and data[begin : begin + name] == raw
        if (
            not alike
            or _renamed(entry.extra, raw)
            or _renamed(data[begin + name : begin + name + extra], raw)
        ):
            raise UnreadableOfd(Problem.DAMAGED)
        described = bool(flags & _DESCRIBED)
        at = begin + name + extra + entry.compress_size
    gap = archive.start_dir - at
    if gap and (gap not in _DESCRIPTORS or not described):
        raise UnreadableOfd(Problem.DAMAGED)


def _renamed(extra: bytes, raw: bytes) -> bool:
    """Say whether an extra field gives a file another name (APPNOTE 4.6.9)."""
    at = 0
    while len(extra) - at >= _EXTRA.size:
        kind, size = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if kind == _UNICODE_PATH and extra[at + 5 : at + size] != raw:
            return True
        at += size
    return False


def _entries_said(data: bytes) -> int:
    """Return how many files the end of the archive says there are, once its list is where it must be."""
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - _END.size - 0xFFFF))
    if at < 0 or len(data) - at < _END.size:
        raise UnreadableOfd(Problem.NOT_ZIP)
    _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(data, at)
    if count > limits.MAX_PARTS or size > limits.MAX_DIRECTORY:
        raise UnreadableOfd(Problem.TOO_MANY)
    whole = at + _END.size + comment == len(data) and offset + size == at
    if disk or first_disk or here != count or not whole or data[max(0, at - 20) :].startswith(_ZIP64):
        raise UnreadableOfd(Problem.DAMAGED)
    return int(count)


def _name(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name: UTF-8 where the archive says so, else whichever of UTF-8 and GB 18030 it is."""
    name = entry.orig_filename
    if not entry.flag_bits & _UTF8:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
        else:
            raise UnreadableOfd(Problem.NAME)
    name = name.removeprefix("./")
    if not name or len(name) > limits.MAX_NAME or _UNSOUND.search(name):
        raise UnreadableOfd(Problem.NAME, shown(name))
    if any(step in (".", "..") for step in name.split("/")):
        raise UnreadableOfd(Problem.NAME, shown(name))
    return name


def _check(entry: zipfile.ZipInfo, name: str) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise UnreadableOfd(Problem.ENCRYPTED, name)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableOfd(Problem.METHOD, name)
    swollen = entry.file_size > limits.RATIO_FROM and (
        entry.file_size > limits.MAX_RATIO * max(1, entry.compress_size)
    )
    if entry.file_size > limits.MAX_PART or swollen:
        raise UnreadableOfd(Problem.BOMB, name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def shown(name: str) -> str:
    """Return a name from a file in the form in which it may stand in a sentence: printable, and not long."""
    plain = "".join(mark if mark.isprintable() else "\ufffd" for mark in name[:121])
    return plain[:120] + "…" if len(plain) > 120 else plain  # noqa: PLR2004 - what a sentence bears
