"""Reading data files strictly: each key is asked for by name, and what nobody asked for is an error.

The files describe sides and calendars. They come with the package or from the operator, so a fault
in one stops start-up with the file and the key, as a fault in ``node.toml`` does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Self

from kouan.config import ConfigError
from kouan.core.text import Localised

if TYPE_CHECKING:
    from pathlib import Path


class SideDataError(ConfigError):
    """A data file about a side cannot be used; the text names the file and the key."""


class Table:
    """One table of a TOML file, and where it stands for the sake of messages."""

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self.where = where
        self._left = dict(values)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the file at ``path`` as a table; raises ``SideDataError``."""
        try:
            return cls(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
        except OSError as error:
            raise SideDataError(f"{path} cannot be read ({error.strerror}).") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SideDataError(f"{path} is not valid TOML: {error}") from None

    def fault(self, key: str, what: str) -> SideDataError:
        """Return the error that says what is wrong with ``key`` here."""
        return SideDataError(f"{self.where}: `{key}` {what}.")

    def has(self, key: str) -> bool:
        """Return whether ``key`` is there and not yet taken."""
        return key in self._left

    def text(self, key: str) -> str:
        """Take a text that is not blank."""
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(key, "must be a text that is not blank")
        return value

    def localised(self, key: str) -> Localised:
        """Take a text in all three scripts."""
        value = self._take(key)
        if not isinstance(value, Mapping):
            raise self.fault(key, "must be a table with en, zh-hant and zh-hans")
        try:
            return Localised.from_mapping(value, where=f"{self.where}, {key}")
        except ValueError as error:
            raise SideDataError(str(error)) from None

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of different texts, at least one."""
        value = self._list(key)
        texts = tuple(item for item in value if isinstance(item, str) and item.strip())
        if len(texts) != len(value) or len(set(texts)) != len(texts):
            raise self.fault(key, "must be a list of texts, each of them once")
        return texts

    def numbers(self, key: str) -> tuple[int, ...]:
        """Take a list of different whole numbers, at least one."""
        value = self._list(key)
        numbers = tuple(item for item in value if type(item) is int)
        if len(numbers) != len(value) or len(set(numbers)) != len(numbers):
            raise self.fault(key, "must be a list of whole numbers, each of them once")
        return numbers

    def flag(self, key: str) -> bool:
        """Take true or false; a key that is not there is false."""
        value = self._left.pop(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, "must be true or false")
        return value

    def day(self, key: str) -> date:
        """Take a date without a time."""
        value = self._take(key)
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.fault(key, "must be a date such as 2026-01-01, without quotation marks")
        return value

    def table(self, key: str) -> Table:
        """Take an inner table."""
        value = self._take(key)
        if not isinstance(value, Mapping):
            raise self.fault(key, "must be a table")
        return Table(value, f"{self.where}, {key}")

    def tables(self, key: str) -> list[Table]:
        """Take a list of inner tables; a key that is not there is an empty list."""
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise self.fault(key, f"must be a list of tables, [[{key}]]")
        return [Table(item, f"{self.where}, {key} {place}") for place, item in enumerate(value, start=1)]

    def close(self) -> None:
        """Raise ``SideDataError`` if a key is left that nobody asked for."""
        for key in sorted(self._left):
            raise self.fault(key, "is unknown; check its spelling or remove it")

    def _take(self, key: str) -> object:
        if key not in self._left:
            raise self.fault(key, "is missing")
        return self._left.pop(key)

    def _list(self, key: str) -> list[object]:
        value = self._take(key)
        if not isinstance(value, list) or not value:
            raise self.fault(key, "must be a list with at least one item")
        return value
