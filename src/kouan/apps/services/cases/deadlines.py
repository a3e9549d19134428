"""Deadlines that have passed, and those that are near."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from kouan.apps.services.cases import clock, issued, telling, working
from kouan.apps.services.cases.clock import Turn
from kouan.apps.services.cases.errors import NotNow
from kouan.apps.services.domain import Action, Role, State
from kouan.apps.services.models import Case
from kouan.core.errors import KouanError
from kouan.web.filters import date_long

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from django.db.models import QuerySet

log = logging.getLogger(__name__)

SOON: Final = 3
"""So many days before the applicant's day, they are reminded."""
AT_ONCE: Final = 50
"""Cases of one look."""
MOST_TRIED: Final = 500
SILENT_AFTER: Final = 3
"""Cases of a side that could not be told, after which its others wait for the next look."""


def run() -> bool:
    """End what was waited for in vain, remind applicants, mark what is late; return whether more is due."""
    today = clock.today()
    done = [step(today) for step in (_lapse, _remind, _mark_late, _give_days)]
    return max(done) >= AT_ONCE


def _each(rows: QuerySet[Case], do: Callable[[Case], bool]) -> int:
    """Do something for each case that no other worker holds, each by itself; return for how many it was done.

    Where a side cannot be told just now, its other cases wait for the next look, and nobody else's do.
    """
    skip = connection.features.has_select_for_update_skip_locked
    done, tried, failed = 0, set[int](), Counter[str]()
    while done < AT_ONCE and len(tried) < MOST_TRIED:
        silent = [side for side, count in failed.items() if count >= SILENT_AFTER]
        with transaction.atomic():
            left = rows.exclude(pk__in=tried).exclude(home__in=silent).order_by("due_on", "pk")
            case = left.select_for_update(skip_locked=skip).first()
            if case is None:
                break
            tried.add(case.pk)
            try:
                with transaction.atomic():
                    done += do(case)
            except KouanError as error:
                log.warning("Case %s is left for the next look: %s %s", case.reference, case.home, error.code)
                failed[case.home] += 1
    return done


def _lapse(today: date) -> int:
    return _each(Case.objects.filter(turn=Turn.APPLICANT, due_on__lt=today, late_on__isnull=True), _lapse_one)


def _lapse_one(case: Case) -> bool:
    was = case.state
    try:
        working.moved(case, Action.LAPSE, Role.CLOCK)
    except NotNow:  # a table of the service's own, in which nothing lapses: an officer decides
        case.late_on = clock.today()
        telling.note(case, "late", role=Role.CLOCK)
    else:
        # What may still be under way, sent in time, needs to know until when that was (``receiving``).
        before = {"awaited": str(case.due_on), "days_left": case.days_left or 0, "was": was}
        issued.stands(case)
        clock.finish(case, timezone.now())
        telling.tell(case, Action.LAPSE.value, role=Role.CLOCK, more=before)
    case.save()
    return True


def _remind(today: date) -> int:
    near = Case.objects.filter(
        turn=Turn.APPLICANT, due_on__gte=today, due_on__lte=today + timedelta(days=SOON)
    )
    return _each(near.filter(reminded_on__isnull=True), _remind_one)


def _remind_one(case: Case) -> bool:
    today = case.reminded_on = clock.today()
    if case.due_on is not None and (case.stopped_on is None or case.stopped_on < today):
        telling.tell(case, "message", role=Role.CLOCK, words=_reminder(case, case.due_on), due_on=case.due_on)
    case.save(update_fields=["reminded_on", "seq"])
    return True


def _reminder(case: Case, day: date) -> str:
    with translation.override(case.language):
        text = (
            _("The fee of your application %(reference)s is to be paid by %(day)s. After that it lapses.")
            if case.state == State.PAYMENT
            else _(
                "Your correction of application %(reference)s is awaited by %(day)s. After that it lapses."
            )
        )
        return text % {"reference": case.reference, "day": date_long(day)}


def _mark_late(today: date) -> int:
    return _each(Case.objects.filter(turn=Turn.OFFICE, due_on__lt=today, late_on__isnull=True), _mark_one)


def _mark_one(case: Case) -> bool:
    case.late_on = clock.today()
    case.first_late_on = case.first_late_on or case.late_on
    telling.note(case, "late", role=Role.CLOCK)
    case.save(update_fields=["late_on", "first_late_on"])
    return True


def undated() -> QuerySet[Case]:
    """Return cases without a last day: the calendar of its year was not here when their clock began."""
    return Case.objects.filter(turn=Turn.OFFICE, due_on__isnull=True, days_left__isnull=False)


def _give_days(_today: date) -> int:
    """Give those a day whose calendar has come meanwhile."""
    return _each(undated(), _give_one)


def _give_one(case: Case) -> bool:
    if case.stopped_on is not None and case.days_left is not None:
        clock.start(case, case.stopped_on, case.days_left)
        case.save(update_fields=["due_on", "stopped_on", "days_left", "late_on"])
    return case.due_on is not None
