"""What an audit may find wrong: where, and what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

Progress = Callable[[int, int], None]
"""Told how much of how much has been looked at."""

MOST: Final = 1000
"""So many problems are listed; beyond it they are only counted."""

WORDS: Final[Mapping[str, _StrPromise]] = {
    # The ledger
    "missing": _("it is missing"),
    "surplus": _("it should not be there"),
    "hash": _("its hash is not that of its salt and record"),
    "tile-hashes": _("its hashes are not those of the entries below it"),
    "tile-root": _("its root is not that over its hashes"),
    "size": _("its size is not the number of entries"),
    "frontier": _("its hashes are not those of the tree"),
    "root": _("its root is not the ledger's at that size"),
    "note": _("its text does not say what is on record of it"),
    "signature": _("its signature does not verify"),
    "second-signature": _("its second signature, by SM2, does not verify"),
    "second-signature-missing": _("it lacks the second signature, by SM2, that there had to be at that time"),
    "stamp": _("the time-stamp does not hold for this checkpoint"),
    # The channel
    "statement": _("its signed statement is not the one on record"),
    "columns": _("what is on record of it is not what its signed statement says"),
    "leaves": _("its messages do not make up the root that was signed"),
    "sequence": _("its numbers do not follow those of the batch before"),
    "chain": _("it does not name the batch before it"),
    "receipt": _("its receipt is not one for it"),
    "receipt-not-logged": _("its receipt is not in the ledger"),
    "notices-not-logged": _("its notices are not in the ledger"),
    "header": _("its header does not say what is on record of it"),
    "leaf": _("it is not the message that was signed"),
    "body": _("its content is not the one that its header promises"),
    "entry": _("the ledger's entry that it names is not about it"),
    "state": _("its state is not what receipt and notices say"),
    "stream": _("its number or its statement is not that of the last batch"),
    "dead-letter": _("the ledger does not say that it was undelivered"),
    "agreement": _("the text is not the one with this digest"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    where: str
    """The thing by its name: ``entry 12``, ``tile 0/3``, ``checkpoint 500``, ``batch hk 1+20`` …"""
    code: str

    @property
    def text(self) -> str:
        """What is wrong, in the active language."""
        return str(WORDS[self.code])


@dataclass(slots=True)
class Findings:
    """What was looked at, what is wrong, and what could not be told."""

    entries: int = 0
    erased: int = 0
    """Entries whose record and salt were erased: only their hash could be used."""
    tiles: int = 0
    checkpoints: int = 0
    signed_twice: int = 0
    """Checkpoints whose second signature, by SM2, holds as well."""
    cosignatures: int = 0
    stamps: int = 0
    batches: int = 0
    messages: int = 0
    unknown_keys: int = 0
    """Signatures by keys that this node does not know (any more)."""
    problems: list[Problem] = field(default_factory=list)
    more: int = 0
    """Problems beyond those that are listed."""

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def wrong(self, where: str, code: str) -> None:
        """Note that something is wrong."""
        if len(self.problems) < MOST:
            self.problems.append(Problem(where, code))
        else:
            self.more += 1

    def check(self, holds: bool, where: str, code: str) -> bool:  # noqa: FBT001 - a guard's first word
        """Note that something is wrong unless it ``holds``; return whether it does."""
        if not holds:
            self.wrong(where, code)
        return holds
