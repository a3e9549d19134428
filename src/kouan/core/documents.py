"""The register of documents, on which the other side's "validate a document" relies: one app keeps it.

An app that issues a paper has it prepared (that reaches no database, so a file can be sealed meanwhile), and
enters it in the transaction in which it issues it: the paper is on the register, or it was never issued.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import date

    from kouan.core.text import Localised


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document as its owner will carry it, and what the register will know of it."""

    reference: str
    """What it is asked about by."""
    department: str
    data: bytes
    """The carried file: the document with its mark, or a credential as it is."""
    digest: bytes
    carried_as: str
    algorithm: str


class Register(Protocol):
    """The app that keeps the register."""

    def named(self, department: str) -> dict[str, str]:
        """Return what a credential of a department says of its place on the register (claim ``kouan``)."""

    def prepare(self, data: bytes, *, department: str, name: str) -> Prepared:
        """Return the file to hand out; writes nothing. Raises a ``KouanError`` for what cannot be taken."""

    def enter(self, prepared: Prepared, *, issuer: Localised, expires_on: date | None) -> None:
        """Put it on the register, in the caller's transaction."""

    def revoke(self, reference: str) -> None:
        """Take a document back; again is harmless."""


class NobodyKeepsRegister(RuntimeError):
    """This node has no app that keeps the register of documents."""


_kept: list[Register] = []


def kept_by(register: Register) -> None:
    """Name the app that keeps the register (it does so once it is ready)."""
    _kept[:] = [register]


def register() -> Register:
    """Return the register of documents; raises ``NobodyKeepsRegister``."""
    if not _kept:
        raise NobodyKeepsRegister
    return _kept[0]
