"""The officers' signatures in a contract's PDF, as in every text that both sides sign (``web.seals``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kouan.apps.dataflow.domain import MAX_PAPER
from kouan.apps.dataflow.printing import boxes, rendered
from kouan.web import seals

if TYPE_CHECKING:
    from kouan.apps.dataflow.domain import Terms
    from kouan.web.seals import Seal


def signed(terms: Terms, *, officer: str, theirs: bytes = b"") -> bytes:
    """Return the paper with this side's signature: on top of the other side's, where that is sound.

    It asks the time-stamping authority, if there is one; so it is called before a transaction and not in one.
    """
    return seals.signed(
        rendered(terms),
        boxes=boxes(terms),
        officer=officer,
        reason=_reason(terms),
        name=f"contract {terms.contract}",
        theirs=theirs,
    )


def check(paper: bytes, *, base: bytes, sides: frozenset[str]) -> list[Seal]:
    """Return the signatures in a paper, one for each of ``sides``; raises ``UnsoundPaper``."""
    return seals.check(paper, base=base, sides=sides, most=MAX_PAPER)


def without_own(paper: bytes, terms: Terms) -> bytes:
    """Return a paper as it was before this side signed on top of the other; nothing if it was not so."""
    return seals.without_own(paper, base=rendered(terms), sides=terms.sides, most=MAX_PAPER)


def seals_of(paper: bytes, terms: Terms) -> list[Seal]:
    """Return the signatures that hold in a paper, whichever sides have signed; none if it is unsound."""
    return seals.seals_of(paper, base=rendered(terms), sides=terms.sides, most=MAX_PAPER)


def _reason(terms: Terms) -> str:
    return f"Contract {terms.contract} version {terms.version}, SHA-256 {terms.digest().hex()}"
