"""Progress: each side reports its own figures and how its items stand; the other keeps what it is told."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.programme.crossings import REPORTED, Reported
from kouan.apps.programme.models import Report, Subject
from kouan.apps.programme.plan import errors
from kouan.apps.programme.plan.domain import Measure, Passage, Plan
from kouan.apps.programme.plan.negotiating import in_effect, text_of
from kouan.apps.programme.plan.negotiation import State
from kouan.apps.programme.plan.progress import Said, Standing, decimal, latest, written
from kouan.core import figures
from kouan.core.exchange.outbox import send
from kouan.core.sides import get_side

if TYPE_CHECKING:
    from kouan.core.exchange import Received

EVERY: Final = 3600.0
"""Seconds between two looks at the figures that the node counts itself."""
_LATE: Final = timedelta(days=120)
"""How long after its last day a plan is still reported on: the meeting that reviews it comes later."""


def today() -> date:
    """Return the day as this side counts it."""
    return get_side(settings.NODE.side).day_of(timezone.now())


def plan_of(subject: Subject) -> Plan:
    """Return the version in effect of a plan; raises ``NothingInEffect``."""
    row = in_effect(subject)
    text = None if row is None else text_of(row)
    if not isinstance(text, Plan):
        raise errors.NothingInEffect
    return text


def report(  # noqa: PLR0913 - all that a report is, by name
    *,
    subject: Subject,
    item: str,
    about: str,
    part: str = "",
    value: str,
    day: date,
    source: str,
    note: Passage | None = None,
    by_node: bool = False,
) -> Report:
    """Report for this side, and tell the other; raises what ``checked`` does, or as ``send``."""
    plan = plan_of(subject)
    value = checked(plan, side=settings.NODE.side, item=item, about=about, part=part, value=value, day=day)
    with transaction.atomic():
        key = uuid.uuid4()
        said = Reported.model_validate(
            {
                "report": key.bytes, "plan": subject.key.bytes, "item": item, "about": about, "part": part,
                "value": value, "day": day.isoformat(), "source": source[:400], "by_node": by_node,
                "note": note,
            }
        )  # fmt: skip
        message = send(REPORTED, to=subject.peer, payload=said, conversation=subject.key)
        return _keep(subject, settings.NODE.side, said, message)


def received(*, message: Received[Reported]) -> None:
    """Keep what the other side reports; raises a ``KouanError`` for what the plan does not have.

    The conversation is the plan's, so the version that the report speaks of has come before it.
    """
    said = message.payload
    subject = Subject.objects.filter(
        key=uuid.UUID(bytes=said.plan), peer=message.sender, kind=Plan.kind
    ).first()
    if subject is None:
        raise errors.UnknownSubject
    checked(
        plan_of(subject),
        side=message.sender,
        item=said.item,
        about=said.about,
        part=said.part,
        value=said.value,
        day=date.fromisoformat(said.day),
        borne=timedelta(days=1),
    )
    _keep(subject, message.sender, said, message.id)


def checked(  # noqa: PLR0913 - all that a report is, by name
    plan: Plan,
    *,
    side: str,
    item: str,
    about: str,
    part: str,
    value: str,
    day: date,
    borne: timedelta = timedelta(0),
) -> str:
    """Return a report's value as it is written; raises ``UnknownPart``, ``NotYoursToReport``, and others.

    ``borne`` is how far the other side's day may be ahead of ours.
    """
    found = plan.item(item)
    if found is None:
        raise errors.UnknownPart
    first, last = plan.days[0], today()
    if not first <= day <= last + borne:
        raise errors.ImpossibleDay(first=first.isoformat(), last=max(first, last).isoformat())
    match about:
        case "state":
            if part or value not in list(Standing):
                raise errors.UnknownPart
            return value
        case "milestone":
            if value not in {"done", "open"} or part not in {each.id for each in found.milestones}:
                raise errors.UnknownPart
            return value
        case _:
            measure = next((each for each in found.measures if each.id == part), None)
            if measure is None:
                raise errors.UnknownPart
            if side not in measure.reported_by:
                raise errors.NotYoursToReport
            number = decimal(value)
            if number is None:
                raise errors.NotAFigure
            return written(number)


def said_of(subject: Subject, *, until: date | None = None) -> list[Said]:
    """Return every report of a plan as the rules see it, in the order in which they came."""
    rows = subject.reports.order_by("at", "pk")
    if until is not None:
        rows = rows.filter(day__lte=until)
    return [
        Said(
            key=row.key,
            side=row.side,
            item=row.item,
            about=row.about,
            part=row.part,
            value=row.value,
            day=row.day,
            at=row.at,
            source=row.source,
            by_node=row.by_node,
        )
        for row in rows
    ]


# What the node counts by itself


def count(measure: Measure, plan: Plan, until: date) -> int | None:
    """Return what this node counts for a measure, from the plan's first day up to a day (included)."""
    figure = figures.find(measure.feed)
    if figure is None:
        return None
    zone = get_side(settings.NODE.side).zone
    first = datetime.combine(plan.days[0], time.min, zone)
    end = datetime.combine(until + timedelta(days=1), time.min, zone)
    return figure.count(first.astimezone(UTC), end.astimezone(UTC))


def feed() -> bool:
    """Report the figures that this node counts itself, where they have changed; once a day at most."""
    day = today()
    rows = Subject.objects.filter(kind=Plan.kind, versions__state=State.SIGNED).distinct()
    for subject in rows:
        plan = plan_of(subject)
        first, last = plan.days
        if first <= day <= last + _LATE:
            _feed(subject, plan, min(day, last))
    return False


def _feed(subject: Subject, plan: Plan, day: date) -> None:
    own = settings.NODE.side
    said = said_of(subject)
    for _area, item in plan.each_item():
        for measure in item.measures:
            if not measure.feed or own not in measure.reported_by:
                continue
            counted = count(measure, plan, day)
            before = latest(
                each
                for each in said
                if (each.side, each.item, each.about, each.part) == (own, item.id, "measure", measure.id)
            )
            if counted is None or (
                before is not None and (before.day >= day or before.value == str(counted))
            ):
                continue
            with transaction.atomic():
                Subject.objects.select_for_update().get(pk=subject.pk)  # one worker feeds at a time
                if subject.reports.filter(
                    side=own, item=item.id, about="measure", part=measure.id, day=day
                ).exists():
                    continue
                report(
                    subject=subject,
                    item=item.id,
                    about="measure",
                    part=measure.id,
                    value=str(counted),
                    day=day,
                    source=measure.feed,
                    by_node=True,
                )


def _keep(subject: Subject, side: str, said: Reported, message: uuid.UUID) -> Report:
    return Report.objects.create(
        key=uuid.UUID(bytes=said.report),
        subject=subject,
        side=side,
        item=said.item,
        about=said.about,
        part=said.part,
        value=said.value,
        day=date.fromisoformat(said.day),
        source=said.source,
        by_node=said.by_node,
        note=None if said.note is None else said.note.model_dump(),
        message_id=message,
        at=timezone.now(),
    )
