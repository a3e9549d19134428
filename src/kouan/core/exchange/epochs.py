"""A side's ledgers, one after the other: the first bears the side's name, later ones a number as well.

A log that lost entries cannot go on under its name without contradicting what was co-signed. So it goes
on under another name, from the entries that it still has; the first checkpoint under the new name is
proved to continue the newest old one that both sides hold.
"""

from __future__ import annotations

from kouan.core.exchange.models import LedgerEpoch
from kouan.core.ledger.notes import epoch_origin

__all__ = ["current_epoch", "epoch_origin", "own_origin"]


def current_epoch() -> int:
    """Return the number of this node's present ledger."""
    return LedgerEpoch.objects.order_by("-number").values_list("number", flat=True).first() or 1


def own_origin(log_origin: str) -> str:
    """Return the name under which this node's present ledger is signed."""
    return epoch_origin(log_origin, current_epoch())
