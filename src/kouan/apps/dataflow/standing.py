"""Which versions of contracts count on a day: what both have signed, until its end or a later one's begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from kouan.apps.dataflow.domain import State

if TYPE_CHECKING:
    from datetime import date


def counts(state: str, ended_on: date | None, day: date) -> bool:
    """Whether a version counts on a day; one that is replaced does until the later one begins.

    Whether the day lies in its term is for its dates to say.
    """
    return state == State.SIGNED or (ended_on is not None and day < ended_on)


def counting(day: date, *, at: str = "") -> Q:
    """Return ``counts`` as a condition for rows; ``at`` is the way from them to their contract."""
    return Q(**{f"{at}state": State.SIGNED}) | Q(**{f"{at}ended_on__gt": day})
