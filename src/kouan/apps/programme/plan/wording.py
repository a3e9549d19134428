"""A joint text in the reader's words, passage by passage; pages and papers show the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING

from django.utils.translation import gettext, pgettext

from kouan.apps.programme.plan import labels
from kouan.apps.programme.plan.domain import Plan
from kouan.core.sides import side_name
from kouan.web.filters import date_long

if TYPE_CHECKING:
    from kouan.apps.programme.plan.domain import Action, Agreed, Item, Measure, Minutes


class Heading(Enum):
    """How large a passage's heading is."""

    SECTION = "section"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a text: what it is about, and what it says."""

    what: str
    values: list[str]


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading and its lines."""

    heading: str
    level: Heading
    rows: list[Row]


def in_words(text: Agreed) -> list[Passage]:
    """Return what a text says in the reader's language, in one order."""
    return _plan(text) if isinstance(text, Plan) else _minutes(text)


def measure_words(measure: Measure) -> str:
    """Return what a measure is to come to, in one line."""
    said = gettext("%(title)s: from %(baseline)s to %(target)s %(unit)s") % {
        "title": measure.title,
        "baseline": measure.baseline,
        "target": measure.target,
        "unit": measure.unit,
    }
    return f"{said} ({measure_origin(measure)})"


def measure_origin(measure: Measure) -> str:
    """Return who reports a measure, and how both sides' figures become one."""
    by = ", ".join(side_name(side) for side in measure.reported_by)
    how = gettext("reported by %(sides)s") % {"sides": by}
    if len(measure.reported_by) > 1:
        how += f"; {labels.COMBINED[measure.combined]}"
    if measure.feed:
        how += gettext("; counted by the node (%(figure)s)") % {"figure": measure.feed}
    return how


def _plan(plan: Plan) -> list[Passage]:
    first, last = plan.days
    passages = [
        Passage(
            "",
            Heading.SECTION,
            [
                Row(gettext("Plan number"), [plan.plan]),
                Row(gettext("Version"), [str(plan.version)]),
                Row(gettext("Sides"), [side_name(side) for side in plan.sides]),
                Row(gettext("Proposed by"), [side_name(plan.author)]),
                Row(pgettext("plan", "First day"), [date_long(first)]),
                Row(pgettext("plan", "Last day"), [date_long(last)]),
            ],
        )
    ]
    for number, area in enumerate(plan.areas, 1):
        passages.append(Passage(f"{number}. {area.title}", Heading.SECTION, []))
        passages += [
            Passage(f"{number}.{at} {item.title}", Heading.PART, item_rows(item))
            for at, item in enumerate(area.items, 1)
        ]
    return passages


def item_rows(item: Item) -> list[Row]:
    """Return the lines of one item."""
    rows = [Row(gettext("Deliverable"), [str(item.deliverable)])]
    rows += [
        Row(gettext("Owner in %(side)s") % {"side": side_name(owner.side)}, [str(owner.department)])
        for owner in item.owners
    ]
    if item.milestones:
        rows.append(
            Row(
                gettext("Milestones"),
                [f"{date_long(_day(each.due))}: {each.title}" for each in item.milestones],
            )
        )
    if item.measures:
        rows.append(Row(gettext("Measures"), [measure_words(each) for each in item.measures]))
    return rows


def _minutes(minutes: Minutes) -> list[Passage]:
    passages = [
        Passage(
            "",
            Heading.SECTION,
            [
                Row(gettext("Held on"), [date_long(_day(minutes.held_on))]),
                Row(pgettext("meeting", "Place"), [str(minutes.place), str(labels.MODES[minutes.mode])]),
                Row(gettext("Version"), [str(minutes.version)]),
                Row(gettext("Proposed by"), [side_name(minutes.author)]),
                *(
                    Row(
                        gettext("Present for %(side)s") % {"side": side_name(side)},
                        [f"{each.name}, {each.office}" for each in minutes.present if each.side == side]
                        or [pgettext("meeting", "nobody")],
                    )
                    for side in minutes.sides
                ),
            ],
        )
    ]
    passages += [
        Passage(
            f"{number}. {point.title}", Heading.SECTION, [Row(gettext("Said and agreed"), [str(point.said)])]
        )
        for number, point in enumerate(minutes.points, 1)
    ]
    if minutes.actions:
        passages.append(
            Passage(
                gettext("Action items"),
                Heading.SECTION,
                [Row(str(each.title), action_words(each)) for each in minutes.actions],
            )
        )
    return passages


def action_words(action: Action) -> list[str]:
    """Return who does an action, until when, and how it stands."""
    return [
        f"{side_name(action.owner.side)}: {action.owner.department}",
        gettext("due by %(day)s") % {"day": date_long(_day(action.due))},
        str(labels.ACTIONS[action.state]),
    ]


def _day(text: str) -> date:
    return date.fromisoformat(text)
