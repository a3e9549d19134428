"""What of this app calls for a person: cases that are late or lack their day, results that nobody signed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kouan.apps.services.applying.following import UNSOUND
from kouan.apps.services.cases import clock, deadlines
from kouan.apps.services.cases.clock import Turn
from kouan.apps.services.models import Application, Case
from kouan.core.watch.concerns import Concern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

COUNTED: Final = 1000
"""More is not counted: it calls for a person all the same."""
RECENT: Final = timedelta(days=7)
"""For how long a result that is no credential calls for a person."""


def find(now: datetime) -> Iterator[Concern]:
    """Yield late and undated cases by department, and unsound results by the side that sent them."""
    late = Case.objects.filter(turn=Turn.OFFICE, due_on__lt=clock.today(now)).order_by("due_on")
    for department, count in sorted(Counter(late.values_list("department", flat=True)[:COUNTED]).items()):
        yield Concern("cases-late", department, count)
    undated = deadlines.undated().values_list("department", flat=True)
    for department, count in sorted(Counter(undated[:COUNTED]).items()):
        yield Concern("cases-undated", department, count)
    unsound = Application.objects.filter(
        verdict__in=[each.value for each in UNSOUND], updated_at__gt=now - RECENT
    )
    for side, count in sorted(Counter(unsound.values_list("peer", flat=True)[:COUNTED]).items()):
        yield Concern("result-unsound", side, count)
