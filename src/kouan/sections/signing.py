"""The tables ``[signing]`` and ``[[former_time]]`` of ``node.toml``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

KEYS: Final[dict[str, type | tuple[type, ...]]] = {"sm2": bool, "publisher": dict}
"""The first one's keys and their types."""
PUBLISHER: Final = ("street", "locality", "country", "email", "website")
"""What is needed of the publisher's address."""
PUBLISHER_OPTIONAL: Final = ("postal_code", "street_zh", "locality_zh")
_FORMS: Final = {
    "country": re.compile(r"[A-Z]{2}"),
    "email": re.compile(r"[^@\s<>]+@[A-Za-z0-9.-]+"),
    "website": re.compile(r"https?://[!#-;=?-Z_a-z~%]+"),
}
MOST_WORDS: Final = 200
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
    publisher: Mapping[str, str] = field(default_factory=dict)
    """Where the publisher of this side's trust list is reached; nothing where that is not set."""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> SigningSettings:
        """Return the settings; a ``ValueError`` says which key is missing or wrong."""
        publisher = given.get("publisher", {})
        for name, text in publisher.items():
            if name not in {*PUBLISHER, *PUBLISHER_OPTIONAL}:
                raise ValueError(f"the key `signing.publisher.{name}` is unknown.")
            form = _FORMS.get(name)
            if (
                not isinstance(text, str)
                or not text.strip()
                or not text.isprintable()
                or len(text) > MOST_WORDS
            ):
                raise ValueError(f"`signing.publisher.{name}` must be up to {MOST_WORDS} characters of text.")
            if form is not None and not form.fullmatch(text):
                raise ValueError(f"`signing.publisher.{name}` is not in its form; see docs/operate.md.")
        chinese = ("street_zh", "locality_zh")
        needed = (*PUBLISHER, *(chinese if publisher.keys() & set(chinese) else ())) if publisher else ()
        for name in needed:
            if name not in publisher:
                raise ValueError(f"the key `signing.publisher.{name}` is missing.")
        return cls(**given)
