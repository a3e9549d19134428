"""Times on the wire: whole milliseconds since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)
RECEIPT_BORNE: Final = timedelta(hours=1)
"""By how much a receipt may be older than its batch or newer than now: far more than clocks may be apart."""


def milliseconds(at: datetime) -> int:
    """Return a time as whole milliseconds since 1970 UTC."""
    return (at - _EPOCH) // _MILLISECOND


def from_milliseconds(value: int) -> datetime:
    """Return the UTC time of whole milliseconds since 1970; beyond the year 9999, its last day."""
    try:
        return min(_EPOCH + timedelta(milliseconds=value), _LATEST)
    except OverflowError:
        return _LATEST


class ClockApart(KouanError):
    """The two nodes' clocks differ too much."""

    code = "clock-apart"
    status = 400
    message = _(
        "The clocks of the two nodes are %(seconds)s seconds apart; %(tolerance)s are allowed. "
        "Set both by a time server."
    )


def check_clock(ours: int, theirs: int, *, past: bool) -> None:
    """Refuse a time of the peer that is too far ahead of ours or, with ``past``, too far behind.

    Both in milliseconds since 1970. A batch may be old, since it is sent again until it is
    receipted; only the request that carries it must be of now.
    """
    tolerance = settings.NODE.exchange.clock_tolerance_s
    ahead = (theirs - ours) / 1000
    if ahead > tolerance or (past and ahead < -tolerance):
        raise ClockApart(seconds=round(abs(ahead)), tolerance=tolerance)
