"""How long cases take, how they end and how many there are: counts of cases, and nothing of a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count
from django.db.models.functions import TruncWeek

from kouan.apps.services.cases import access, clock
from kouan.apps.services.cases.clock import Turn
from kouan.apps.services.domain import State
from kouan.core.sides import get_side

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from django.db.models import QuerySet

    from kouan.apps.services.models import Case

WEEKS: Final = 12
ENDS: Final = (State.GRANTED, State.REFUSED, State.LAPSED, State.WITHDRAWN)
SPANS: Final = (1, 3, 5, 10, 20, 40)
"""Days within which a case was decided; the last span is open."""
MOST_OFFICERS: Final = 30
_SAMPLE: Final = 20_000
"""So many of the newest decisions say how long they take."""


@dataclass(frozen=True, slots=True)
class Week:
    """One week, from its Monday."""

    monday: date
    received: int
    decided: int


@dataclass(frozen=True, slots=True)
class Load:
    """What one officer has."""

    officer: str
    """Their name; empty for what nobody has taken up."""
    open: int
    late: int
    decided: int
    """In the last weeks."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """The figures of the last weeks."""

    weeks: tuple[Week, ...]
    ends: tuple[tuple[str, int], ...]
    """How cases ended in these weeks."""
    spans: tuple[tuple[int, int], ...]
    """Days up to which (0 for longer than all), and how many took so long."""
    median_days: float | None
    within: float | None
    """Of the cases that were decided, the part in which no time limit ever passed (0 to 1)."""
    open: int
    late: int
    loads: tuple[Load, ...]
    """By officer, who has most first."""


def statistics(user: User, service: str = "") -> Statistics:
    """Return the figures of the cases that an officer may see."""
    cases = access.cases_of(user)
    if service:
        cases = cases.filter(service=service)
    today = clock.today()
    monday = today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))
    zone = get_side(settings.NODE.side).zone
    since = datetime.combine(monday, time(), tzinfo=zone)
    decided = cases.filter(decided_at__gte=since, turn=Turn.NOBODY)
    received = _by_week(cases.filter(received_at__gte=since), "received_at")
    ended = _by_week(decided, "decided_at")
    mondays = [monday + timedelta(weeks=number) for number in range(WEEKS)]
    took = _took(decided)
    outcomes = dict(decided.order_by().values_list("state").annotate(Count("pk")))
    office = cases.filter(turn=Turn.OFFICE)
    late = decided.filter(first_late_on__isnull=False).count()
    number = sum(outcomes.values())
    return Statistics(
        weeks=tuple(Week(each, received[each], ended[each]) for each in mondays),
        ends=tuple((state.value, outcomes.get(state.value, 0)) for state in ENDS),
        spans=_spans(took),
        median_days=median(took) if took else None,
        within=1 - late / number if number else None,
        open=office.count(),
        late=office.filter(due_on__lt=today).count(),
        loads=_loads(office, office.filter(due_on__lt=today), decided),
    )


def _loads(*parts: QuerySet[Case]) -> tuple[Load, ...]:
    """Return what each officer has of open, late and decided cases."""
    counted = [
        dict(part.order_by().values_list("officer").annotate(Count("pk")).values_list("officer", "pk__count"))
        for part in parts
    ]
    keys = {key for each in counted for key in each}
    users = User.objects.filter(pk__in=[key for key in keys if key is not None])
    names = {user.pk: user.get_full_name() or user.get_username() for user in users}
    found = [Load(names.get(key, ""), *(each.get(key, 0) for each in counted)) for key in keys]
    return tuple(sorted(found, key=lambda load: (-load.open, -load.decided, load.officer))[:MOST_OFFICERS])


def _by_week(cases: QuerySet[Case], name: str) -> Counter[date]:
    zone = get_side(settings.NODE.side).zone
    found = (
        cases.order_by().annotate(week=TruncWeek(name, tzinfo=zone)).values_list("week").annotate(Count("pk"))
    )
    return Counter({week.date(): count for week, count in found})


def _took(decided: QuerySet[Case]) -> list[int]:
    """Return how many days each of the newest decisions took."""
    rows = decided.filter(state__in=[State.GRANTED, State.REFUSED]).order_by("-decided_at")
    return [
        (end - begin).days for begin, end in rows.values_list("received_at", "decided_at")[:_SAMPLE] if end
    ]


def _spans(took: Sequence[int]) -> tuple[tuple[int, int], ...]:
    found, below = [], 0
    for most in SPANS:
        found.append((most, sum(below <= each < most for each in took)))
        below = most
    return (*found, (0, sum(each >= below for each in took)))
