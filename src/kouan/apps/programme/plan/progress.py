"""How the items of a plan stand, and what its measures have come to: pure rules over single reports."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from kouan.apps.programme.plan.domain import Item, Measure, Milestone


class Standing(StrEnum):
    """How an item stands; the columns of the board, in their order."""

    TO_COME = "to-come"
    UNDER_WAY = "under-way"
    AT_RISK = "at-risk"
    DONE = "done"
    DROPPED = "dropped"


_GRAVITY: Final = (
    Standing.DONE, Standing.TO_COME, Standing.UNDER_WAY, Standing.AT_RISK, Standing.DROPPED,
)  # fmt: skip
"""Where the sides differ, the one further on counts: it is done only once both say so."""


@dataclass(frozen=True, slots=True)
class Said:
    """A report as the rules see it."""

    key: uuid.UUID
    side: str
    item: str
    about: str
    part: str
    value: str
    day: date
    at: datetime
    source: str = ""
    by_node: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """What a measure has come to: one figure, and the reports that it is made of."""

    measure: Measure
    value: Decimal | None
    """None while a side that is to report has not."""
    of: tuple[Said, ...]
    missing: tuple[str, ...]
    """The sides that are to report and have not."""

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return self.value is not None and self.measure.reached(self.value)

    @property
    def share(self) -> int:
        """How much of the way from baseline to target is gone, in whole per cent, 0 to 100."""
        if self.value is None:
            return 0
        baseline, target = Decimal(self.measure.baseline), Decimal(self.measure.target)
        gone = (self.value - baseline) / (target - baseline) * 100
        return int(max(Decimal(0), min(Decimal(100), gone)))

    @property
    def text(self) -> str:
        """The figure as people read it; nothing while it is not known."""
        return "" if self.value is None else written(self.value)


def decimal(text: str) -> Decimal | None:
    """Return the number that a text is, if it is one of at most twelve digits and four places."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value) >= Decimal(10) ** 12:
        return None
    return value if value == value.quantize(Decimal("0.0001")) else None


def written(value: Decimal) -> str:
    """Return a number without an exponent or noughts at its end: ``1250``, ``97.5``."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def latest(said: Iterable[Said]) -> Said | None:
    """Return the report that counts: of the latest day, and of several the one that came last."""
    return max(said, key=lambda each: (each.day, each.at, each.key.int), default=None)


def figure(measure: Measure, item: str, said: Sequence[Said], *, until: date | None = None) -> Figure:
    """Return what a measure had come to by a day; now, if none is given."""
    found = []
    for side in measure.reported_by:
        one = latest(
            each
            for each in said
            if (each.item, each.about, each.part, each.side) == (item, "measure", measure.id, side)
            and (until is None or each.day <= until)
        )
        if one is not None:
            found.append(one)
    missing = tuple(side for side in measure.reported_by if side not in {each.side for each in found})
    values = [value for each in found if (value := decimal(each.value)) is not None]
    if missing or not values:
        return Figure(measure, None, tuple(found), missing)
    match measure.combined:
        case "sum":
            value = sum(values, Decimal(0))
        case "least":
            value = min(values)
        case _:
            value = max(values)
    return Figure(measure, value, tuple(found), missing)


def done(milestone: Milestone, item: str, said: Sequence[Said]) -> Said | None:
    """Return the report by which a milestone is done, if it is; either side may say so."""
    found = latest(
        each for each in said if (each.item, each.about, each.part) == (item, "milestone", milestone.id)
    )
    return found if found is not None and found.value == "done" else None


def standing(item: Item, said: Sequence[Said]) -> Standing:
    """Return how an item stands: as its sides say; it is done once both say so."""
    told = []
    for owner in item.owners:
        one = latest(
            each for each in said if (each.item, each.about, each.side) == (item.id, "state", owner.side)
        )
        told.append(None if one is None else Standing(one.value))
    known = [each for each in told if each is not None]
    if not known:
        return Standing.TO_COME
    if None in told and set(known) == {Standing.DONE}:
        return Standing.UNDER_WAY
    if len(set(known)) > 1 and Standing.DONE in known and Standing.TO_COME in known:
        return Standing.UNDER_WAY
    return max(known, key=_GRAVITY.index)
