"""The tables ``[signing]`` and ``[[former_time]]`` of ``node.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

KEYS: Final[dict[str, type | tuple[type, ...]]] = {"sm2": bool}
"""The first one's keys and their types."""
FORMER_KEYS: Final[dict[str, type | tuple[type, ...]]] = {"ca": str, "until": date}
"""The second one's."""


@dataclass(frozen=True, slots=True)
class FormerTime:
    """A time-stamping authority that this side relied on before: its old time-stamps are judged by it."""

    ca: Path
    """The certificates that it led to, as one PEM file."""
    until: datetime
    """The first moment whose time-stamps do not count."""

    @classmethod
    def read_all(cls, tables: Iterable[Mapping[str, Any]], *, home: Path) -> tuple[FormerTime, ...]:
        """Return the settings; a ``ValueError`` says which key is missing or wrong."""
        found = []
        for given in tables:
            for key in FORMER_KEYS:
                if not given.get(key):
                    raise ValueError(f"the key `former_time.{key}` is missing.")
            until = given["until"]
            if not isinstance(until, datetime):
                until = datetime(until.year, until.month, until.day, tzinfo=UTC)
            found.append(cls(home / given["ca"], until if until.tzinfo else until.replace(tzinfo=UTC)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """How this side signs what others rely on."""

    sm2: bool = False
    """Whether the trust list bears a detached SM2 signature beside that of P-256."""

    @classmethod
    def read(cls, given: Mapping[str, bool]) -> SigningSettings:
        """Return the settings."""
        return cls(**given)
