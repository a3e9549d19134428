"""What signatures are judged by: roots, and revocation data that this node has at hand. Bytes and times only.

It crosses to the worker process as one block, once, and is known there by its digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from kouan.core import cbor

MOST: Final = 256 << 20
"""Bytes of all of it together."""


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which a root was trusted for time-stamps; a root may have several."""

    root: bytes = field(repr=False)
    """DER."""
    since: datetime | None = None
    until: datetime | None = None
    """The first moment at which it was trusted no more."""

    def holds(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True)
class Trust:
    """Roots and revocation data, in DER."""

    roots: tuple[bytes, ...] = ()
    """Where the paths of signers may end: the roots of both sides' lists."""
    time_roots: tuple[bytes, ...] = ()
    """Where the paths of time-stamping authorities may end, beside those."""
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    """Issuing CAs, for documents that leave them out; nothing is trusted for being here."""
    crls: tuple[bytes, ...] = field(default=(), repr=False)
    ocsps: tuple[bytes, ...] = field(default=(), repr=False)
    periods: tuple[Period, ...] = ()
    """When roots were trusted for time-stamps; one that is not named here counts for those of any time."""
    moment: datetime | None = None
    """When it is judged, for tests and old reports; now, where it is left out."""

    @cached_property
    def packed(self) -> bytes:
        """All of it as one block."""
        return cbor.encode(
            [
                list(self.roots), list(self.time_roots), list(self.certificates),
                list(self.crls), list(self.ocsps),
                [[each.root, _text(each.since), _text(each.until)] for each in self.periods],
                _text(self.moment),
            ]
        )  # fmt: skip

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the block, in hex."""
        return hashlib.sha256(self.packed).hexdigest()

    def stamps_at(self, root: bytes, at: datetime) -> bool:
        """Whether a root was trusted for time-stamps at the time that one states."""
        named = [each for each in self.periods if each.root == root]
        return not named or any(each.holds(at) for each in named)

    @classmethod
    def unpacked(cls, block: bytes) -> Trust:
        """Return what a block holds; raises ``ValueError`` for another."""
        try:
            content: Any = cbor.decode(block, max_bytes=MOST)
            *parts, periods, moment = content
            roots, time_roots, certificates, crls, ocsps = (
                tuple(bytes(each) for each in part) for part in parts
            )
            named = tuple(
                Period(bytes(root), _moment(since), _moment(until)) for root, since, until in periods
            )
            at = _moment(moment)
        except (TypeError, ValueError) as error:
            raise ValueError("not a block of trust") from error
        return cls(roots, time_roots, certificates, crls, ocsps, named, at)


def _text(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
