"""Packages: any bytes beside their mark, in a ZIP file that nothing has to unpack to be checked.

Both entries are stored, not compressed, and the mark is the first one. So its place is fixed: the
reader takes one local file header and the few bytes after it, and looks at nothing else.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
import unicodedata
import zipfile
import zlib
from typing import IO, Final

from kouan.apps.validation.marks.mark import Mark

MARK_NAME: Final = "kouan.json"
MAX_MARK: Final = 1024
"""The most bytes that the mark's entry may have."""

_LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")
"""The local file header of APPNOTE.TXT section 4.3.7."""
_SIGNATURE: Final = b"PK\x03\x04"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_MAX_NAME: Final = 120
_MAX_ENDING: Final = 10
_NOT_IN_NAMES: Final = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]')


def put_mark(source: IO[bytes], destination: IO[bytes], mark: Mark, *, name: str) -> None:
    """Write the package of ``source`` with ``mark``; the same input gives the same bytes.

    ``name`` is the original's file name; only its last part is used, without characters that a
    file system refuses or that turn the reading direction.
    """
    with zipfile.ZipFile(destination, "w", zipfile.ZIP_STORED, strict_timestamps=True) as archive:
        archive.writestr(_entry(MARK_NAME), json.dumps(mark.as_mapping(), indent=1) + "\n")
        with archive.open(_entry(safe_name(name)), "w") as stream:
            source.seek(0)
            shutil.copyfileobj(source, stream, 1 << 20)


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with ``head`` is a ZIP file."""
    return head.startswith(_SIGNATURE)


def has_place(head: bytes) -> bool:
    """Say whether the first entry of a ZIP file has the name of the mark's, readable or not."""
    return looks_like(head) and head[_LOCAL_HEADER.size :].startswith(MARK_NAME.encode())


def find_mark(head: bytes) -> Mark | None:
    """Return the mark of a package from its first bytes (2 KB are enough), ``None`` if it carries none."""
    if len(head) < _LOCAL_HEADER.size:
        return None
    signature, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL_HEADER.unpack_from(
        head
    )
    start = _LOCAL_HEADER.size + name_size + extra_size
    name = head[_LOCAL_HEADER.size : _LOCAL_HEADER.size + name_size]
    if signature != _SIGNATURE or flags & 0b1001 or method != zipfile.ZIP_STORED:
        return None
    if name != MARK_NAME.encode() or packed != size or not 0 < size <= MAX_MARK:
        return None
    data = head[start : start + size]
    if len(data) != size or zlib.crc32(data) != crc:
        return None
    try:
        return Mark.from_mapping(json.loads(data))
    except (ValueError, RecursionError):
        return None


def safe_name(name: str) -> str:
    """Return a file name that every system takes, with its ending kept; ``document`` if none is left."""
    name = _NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])).strip(" .")
    _stem, dot, ending = name.rpartition(".")
    if len(name) > _MAX_NAME:
        keep = len(ending) + 1 if dot and len(ending) <= _MAX_ENDING else 0
        name = name[: _MAX_NAME - keep] + name[len(name) - keep :]
    if name.lower() == MARK_NAME or not name.encode("utf-8", "replace").decode().strip("?_ ."):
        return "document"
    return name.encode("utf-8", "replace").decode()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    entry.create_system = 3  # Unix, whatever machine wrote it, so that the bytes are always the same
    return entry
