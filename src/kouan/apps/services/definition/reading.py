"""Reading a service as a department writes it: a folder, or the same folder as a ZIP file.

``service.toml`` holds everything but the form, ``form.json`` the form. The number of the version is not
written by hand: it is the next one when the folder is published.
"""

from __future__ import annotations

import io
import json
import re
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.services.definition.lines import repeated
from kouan.apps.services.definition.model import MAX_DEFINITION, Definition, parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SERVICE: Final = "service.toml"
FORM: Final = "form.json"
FILES: Final = (SERVICE, FORM)
MAX_FILE: Final = 2 * MAX_DEFINITION
"""Bytes of one of the two files: comments and indentation are not published."""
MAX_ZIP: Final = 1 << 20
_MAX_ENTRIES: Final = 50
_LONGEST_LINE: Final = 20_000
"""Characters of one line of ``service.toml``: no text of a service has as many."""
_DEEPEST: Final = 40
_MOST_DIGITS: Final = 100
_TOO_MANY: Final = "a number has too many digits"
_DIGITS: Final = re.compile(r"[0-9_]+")


class Unreadable(ValueError):
    """A file of the folder cannot be read at all: which, on what line, and why, in English."""

    def __init__(self, file: str, line: int, what: str) -> None:
        self.file, self.line, self.what = file, line, what
        super().__init__(f"{file}:{line}: {what}")


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a folder's two files."""

    service: str
    form: str

    def tables(self) -> dict[str, Any]:
        """Return ``service.toml`` as it is written; raises ``Unreadable``."""
        for number, line in enumerate(self.service.splitlines(), 1):
            if len(line) > _LONGEST_LINE:
                raise Unreadable(SERVICE, number, f"the line is longer than {_LONGEST_LINE} characters")
        try:
            return tomllib.loads(self.service)
        except tomllib.TOMLDecodeError as error:
            raise Unreadable(SERVICE, _line_in(str(error)), f"it is no TOML: {error}") from None
        except RecursionError:
            raise Unreadable(SERVICE, 1, "it is nested too deeply") from None
        except ValueError:  # Python reads no number of more than some thousand digits
            raise Unreadable(SERVICE, _line_of_digits(self.service), _TOO_MANY) from None

    def schema(self) -> dict[str, Any]:
        """Return ``form.json`` as it is written; raises ``Unreadable``."""
        try:
            value = json.loads(
                self.form, object_pairs_hook=repeated, parse_constant=_no_number, parse_int=_integer
            )
        except json.JSONDecodeError as error:
            raise Unreadable(FORM, error.lineno, f"it is no JSON: {error.msg}") from None
        except RecursionError:
            raise Unreadable(FORM, 1, "it is nested too deeply") from None
        except ValueError as error:
            raise Unreadable(FORM, 1, str(error)) from None
        if not isinstance(value, dict):
            raise Unreadable(FORM, 1, "it must be an object")
        if not _is_shallow(value):
            raise Unreadable(FORM, 1, "it is nested too deeply")
        return value

    def whole(self, *, version: int = 1) -> Mapping[str, Any]:
        """Return both as one value, as ``model.parse`` takes it; raises ``Unreadable``."""
        return self.tables() | {"form": self.schema(), "version": version}


def from_folder(folder: Path) -> Source:
    """Read a folder; raises ``Unreadable``."""
    texts = []
    for name in FILES:
        path = folder / name
        try:
            with path.open("rb") as opened:
                data = opened.read(MAX_FILE + 1)
        except OSError as error:
            raise Unreadable(name, 1, error.strerror or "it cannot be read") from None
        texts.append(_text(name, data))
    return Source(*texts)


def from_zip(data: bytes) -> Source:
    """Read the folder in a ZIP file: its two files at the top, or in one folder; raises ``Unreadable``."""
    if len(data) > MAX_ZIP:
        raise Unreadable("zip", 1, f"it is larger than {MAX_ZIP >> 10} KB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > _MAX_ENTRIES:
                raise Unreadable("zip", 1, f"it holds more than {_MAX_ENTRIES} files")
            return Source(*(_text(name, _unpacked(archive, entries, name)) for name in FILES))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise Unreadable("zip", 1, "it is no ZIP file that can be read") from None
    except zipfile.zlib.error:  # type: ignore[attr-defined]  # what damaged entries raise
        raise Unreadable("zip", 1, "it is damaged") from None


def _unpacked(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str) -> bytes:
    found = [entry for entry in entries if _within(entry.filename, name)]
    if len(found) != 1:
        raise Unreadable(name, 1, "the ZIP file must hold it once, at the top or in one folder")
    # What an entry says of its size is only said; so no more than the limit is unpacked.
    with archive.open(found[0]) as opened:
        return opened.read(MAX_FILE + 1)


def _within(path: str, name: str) -> bool:
    parts = PurePosixPath(path).parts
    return parts[-1:] == (name,) and len(parts) <= 2 and "__MACOSX" not in parts  # noqa: PLR2004 - one folder


def _text(name: str, data: bytes) -> str:
    if len(data) > MAX_FILE:
        raise Unreadable(name, 1, f"it is larger than {MAX_FILE >> 10} KB")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Unreadable(name, data.count(b"\n", 0, error.start) + 1, "it is not UTF-8") from None


def definition_of(source: Source, *, version: int) -> Definition:
    """Return the definition that a folder is under a version's number.

    Raises ``Unreadable`` or ``model.BadDefinition``; ``checks.check`` says all that is wrong, and where.
    """
    return parse(source.whole(version=version))


def _line_in(message: str) -> int:
    """Return the line that the TOML reader names: ``… (at line 3, column 1)``."""
    _before, found, after = message.rpartition("(at line ")
    digits = after.split(",", 1)[0]
    return int(digits) if found and digits.isdecimal() else 1


def _line_of_digits(text: str) -> int:
    """Return the line on which the longest number stands."""
    longest = [
        max((len(digits) for digits in _DIGITS.findall(line)), default=0) for line in text.splitlines()
    ]
    return longest.index(max(longest)) + 1


def _is_shallow(value: object) -> bool:
    """Whether no more than ``_DEEPEST`` objects and arrays stand in one another."""
    level, depth = [value], 0
    while level and depth <= _DEEPEST:
        within = [each for each in level if isinstance(each, dict | list)]
        level = [part for each in within for part in (each.values() if isinstance(each, dict) else each)]
        depth += bool(within)
    return depth <= _DEEPEST


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(_TOO_MANY)
    return int(text)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")
