"""How often documents were asked about: counts by day, and nothing of a person or a document.

A count below ``FEW`` is not told, nought included, so that nobody learns that one certain document was asked
about, or was not. The others are told in fives, so that no difference of two tables tells a small one.
What other sides asked and what was asked at home, of which nothing crossed, are told apart.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, Sum

from kouan.apps.validation.domain import DocumentType, Outcome
from kouan.apps.validation.models import AnsweredQuestion, DailyCount
from kouan.apps.validation.queries import today
from kouan.core.database.locks import take_turn
from kouan.core.sides import all_sides

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from kouan.apps.validation.models import Institution

FEW: Final = 5
EVERY: Final = 600.0
"""Seconds between looks for days to fold."""
KEPT_DAYS: Final = 3
"""A question is kept by itself for as long as it could come again: it expires after a day."""
MOST_DAYS: Final = 92
By = Literal["outcome", "type", "side"]
Asked = Literal["across", "home"]
"""Whether the questions crossed, or were asked on this side about its own documents: by whom is not kept, be
it the very institution that issued them."""
_KEYS: Final = ("day", "side", "outcome", "institution", "type")


@dataclass(frozen=True, slots=True)
class Series:
    """One outcome, kind of document or side, and its count of each day."""

    key: str
    counts: tuple[int | None, ...]
    """Each rounded down to a multiple of ``FEW``; ``None`` for fewer than that."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """The questions that this side answered, day by day."""

    by: By
    asked: Asked
    days: tuple[date, ...]
    """The oldest first; today, which is not over, is the last."""
    series: tuple[Series, ...]


def statistics(
    *, of: Iterable[Institution] | None, by: By, days: int = 14, asked: Asked = "across"
) -> Statistics:
    """Return the counts of the last ``days`` days (1 to ``MOST_DAYS``).

    ``of`` are the institutions whose documents were asked about, ``None`` all of this side's and references
    that nobody has registered.
    """
    last = today()
    span = tuple(last - timedelta(days=days - 1 - number) for number in range(days))
    counted: Counter[tuple[date, str]] = Counter()
    home = Q(side=settings.NODE.side)
    these = Q(day__gte=span[0]) & (home if asked == "home" else ~home)
    live, folded = AnsweredQuestion.objects.filter(these), DailyCount.objects.filter(these)
    if of is not None:
        whose = list(of)
        live, folded = live.filter(institution__in=whose), folded.filter(institution__in=whose)
    for day, key, number in live.values_list("day", by).annotate(Count("pk")).order_by():
        counted[day, key] += number
    for day, key, number in folded.values_list("day", by).annotate(Sum("count")).order_by():
        counted[day, key] += number
    keys = _known(by, asked, counted)
    told = tuple(Series(key, tuple(_told(counted[day, key]) for day in span)) for key in keys)
    return Statistics(by, asked, span, told)


def fold() -> bool:
    """Fold the questions of a day that is long over into counts; return whether there was such a day."""
    before = today() - timedelta(days=KEPT_DAYS)
    with transaction.atomic():
        take_turn("validation statistics")
        day = (
            AnsweredQuestion.objects.filter(day__lt=before)
            .order_by("day")
            .values_list("day", flat=True)
            .first()
        )
        if day is None:
            return False
        rows = AnsweredQuestion.objects.filter(day=day)
        found = rows.values(*_KEYS).annotate(count=Count("pk")).order_by()
        DailyCount.objects.bulk_create(
            DailyCount(
                day=row["day"],
                side=row["side"],
                outcome=row["outcome"],
                institution_id=row["institution"],
                type=row["type"],
                count=row["count"],
            )
            for row in found
        )
        rows._raw_delete(using=rows.db)  # noqa: SLF001 - in one statement: nothing hangs on these rows
    return True


def _told(count: int) -> int | None:
    return None if count < FEW else count - count % FEW


def _known(by: By, asked: Asked, counted: Iterable[tuple[date, str]]) -> list[str]:
    """Return every key that there could be: which ones do not occur is not told either."""
    match by:
        case "outcome":
            return [item.value for item in Outcome]
        case "type":
            return [item.value for item in DocumentType]
        case "side":
            if asked == "home":
                return [settings.NODE.side]
            sides = {*(side.code for side in all_sides()), *(key for _, key in counted)}
            return sorted(sides - {settings.NODE.side})
