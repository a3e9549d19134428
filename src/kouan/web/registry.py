"""A small ordered registry, the shape that ``navigation`` and ``home`` share."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Entry(Protocol):
    """What a registered thing must know about itself."""

    @property
    def key(self) -> str:
        """Name that is unique in the registry."""

    @property
    def order(self) -> int:
        """Lower stands first; equal ones in the order of their keys."""


T = TypeVar("T", bound=Entry)


class Registry(Generic[T]):
    """Entries by key. Adding the same entry again is harmless, another one under its key is refused."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._entries: dict[str, T] = {}

    def add(self, entry: T) -> T:
        """Add ``entry`` and return it; raises ``ValueError`` when its key is taken by another."""
        if self._entries.setdefault(entry.key, entry) != entry:
            raise ValueError(
                f"{self._name}: the key {entry.key!r} is registered twice with different content"
            )
        return entry

    def in_order(self) -> list[T]:
        """Return all entries, lowest ``order`` first."""
        return sorted(self._entries.values(), key=lambda entry: (entry.order, entry.key))
