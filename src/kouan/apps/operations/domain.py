"""The rules of the operator's view: states, order, a message's steps, and whether all is well.

Pure: no Django, no database, no clock of its own.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Direction(StrEnum):
    """Whether a message left this side or came to it."""

    OUT = "out"
    IN = "in"


class State(StrEnum):
    """Where a message stands, the same words for both directions."""

    WAITING = "waiting"
    SEALED = "sealed"
    ACCEPTED = "accepted"
    HANDLED = "handled"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


STATES_OF: Final = {
    Direction.OUT: tuple(state for state in State if state is not State.FAILED),
    Direction.IN: (State.WAITING, State.HANDLED, State.REFUSED, State.FAILED),
}
"""Which states a message of each direction can be in."""

DEAD_OUT: Final = (State.REFUSED, State.EXPIRED)
DEAD_IN: Final = (State.FAILED,)
"""What an operator has to look at until it is retried or put away."""


# Order: two lists, each by its own number, read as one by time


class Timed(Protocol):
    """A row of either list."""

    @property
    def at(self) -> datetime:
        """When the row was made."""


T = TypeVar("T", bound=Timed)
NEWEST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the merged list: every row up to these numbers is older, every row above newer.

    It stays true while rows are added, and costs the database the same at any depth.

    >>> str(Cursor.parse("120.77"))
    '120.77'
    """

    outbound: int = NEWEST
    inbound: int = NEWEST

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor's text; raises ``ValueError``."""
        found = re.fullmatch(r"(\d{1,19})\.(\d{1,19})", text, re.ASCII)
        if found is None:
            raise ValueError("not a cursor")
        outbound, inbound = int(found[1]), int(found[2])
        if max(outbound, inbound) > NEWEST:
            raise ValueError("beyond the largest number")
        return cls(outbound, inbound)

    def __str__(self) -> str:
        return f"{self.outbound}.{self.inbound}"


def merge(
    first: Sequence[T], second: Sequence[T], limit: int, *, newest_first: bool
) -> tuple[list[T], int, int]:
    """Interleave two lists by time, keeping each one's own order, and take ``limit`` rows.

    Returns the rows, and how many came from each list.
    """
    taken: list[T] = []
    one = two = 0
    while len(taken) < limit and (one < len(first) or two < len(second)):
        if two == len(second):
            from_first = True
        elif one == len(first):
            from_first = False
        elif newest_first:
            from_first = first[one].at >= second[two].at
        else:
            from_first = first[one].at <= second[two].at
        if from_first:
            taken.append(first[one])
            one += 1
        else:
            taken.append(second[two])
            two += 1
    return taken, one, two


SHORTEST_SEARCH: Final = 8
_ID_DIGITS: Final = 32


def id_range(text: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Return the first and last id that begin with ``text``, dashes and case aside.

    ``None`` when it is not the beginning of an id, or shorter than ``SHORTEST_SEARCH`` digits.
    """
    digits = text.strip().lower().replace("-", "")
    if not SHORTEST_SEARCH <= len(digits) <= _ID_DIGITS or re.fullmatch(r"[0-9a-f]+", digits) is None:
        return None
    return uuid.UUID(digits.ljust(_ID_DIGITS, "0")), uuid.UUID(digits.ljust(_ID_DIGITS, "f"))


# One message as a sequence of steps


class StepKind(StrEnum):
    """What happens to a message on its way."""

    MADE = "made"
    SEALED = "sealed"
    ACCEPTED = "accepted"
    HANDLED = "handled"
    REFUSED_AT_DOOR = "refused-at-door"
    REFUSED_LATER = "refused-later"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """Where a step stands."""

    DONE = "done"
    CURRENT = "current"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step; ``at`` is ``None`` while it has not happened."""

    kind: StepKind
    state: StepState
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """When the steps of a message happened, as far as they did."""

    made: datetime
    sealed: datetime | None = None
    accepted: datetime | None = None
    finished: datetime | None = None


_WAY: Final = (StepKind.MADE, StepKind.SEALED, StepKind.ACCEPTED, StepKind.HANDLED)
_ENDS: Final = {
    State.EXPIRED: StepKind.EXPIRED,
    State.CANCELLED: StepKind.CANCELLED,
    State.FAILED: StepKind.FAILED,
}


def steps(
    state: State, direction: Direction, times: Times, *, refused_at_door: bool = False
) -> tuple[Step, ...]:
    """Return a message's way from "made" to how it ended, or to what is still to come.

    ``refused_at_door`` tells a message that the receipt itself refused from one that was accepted
    and refused when it was handled.
    """
    moments = dict(zip(_WAY, (times.made, times.sealed, times.accepted, times.finished), strict=True))

    def done(*kinds: StepKind) -> tuple[Step, ...]:
        return tuple(Step(kind, StepState.DONE, moments[kind]) for kind in kinds)

    if state is State.REFUSED:
        if refused_at_door:
            end = Step(StepKind.REFUSED_AT_DOOR, StepState.FAILED, times.accepted or times.finished)
            return (*done(*_WAY[:2]), end)
        return (*done(*_WAY[:3]), Step(StepKind.REFUSED_LATER, StepState.FAILED, times.finished))
    if state in _ENDS:
        before = _WAY[:3] if state is State.FAILED else _WAY[:1]
        return (*done(*before), Step(_ENDS[state], StepState.FAILED, times.finished))
    if state is State.HANDLED:
        return done(*_WAY)
    reached = {State.WAITING: 1 if direction is Direction.OUT else 3, State.SEALED: 2, State.ACCEPTED: 3}[
        state
    ]
    coming = (Step(kind, StepState.WAITING) for kind in _WAY[reached + 1 :])
    return (*done(*_WAY[:reached]), Step(_WAY[reached], StepState.CURRENT), *coming)


# Today's figures


class Outcome(StrEnum):
    """How a message stands, coarsely: what a chart can show."""

    HANDLED = "handled"
    UNDER_WAY = "under-way"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


_OUTCOMES: Final = {
    State.HANDLED: Outcome.HANDLED,
    State.WAITING: Outcome.UNDER_WAY,
    State.SEALED: Outcome.UNDER_WAY,
    State.ACCEPTED: Outcome.UNDER_WAY,
    State.REFUSED: Outcome.REFUSED,
    State.FAILED: Outcome.REFUSED,
    State.EXPIRED: Outcome.REFUSED,
    State.CANCELLED: Outcome.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many messages of one direction stand where."""

    direction: Direction
    counts: dict[Outcome, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())


def tally(direction: Direction, by_state: dict[str, int]) -> Tally:
    """Sum counts by state into outcomes; every outcome is present."""
    counts = dict.fromkeys(Outcome, 0)
    for state, count in by_state.items():
        counts[_OUTCOMES[State(state)]] += count
    return Tally(direction, counts)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar, in the chart's units."""

    outcome: Outcome
    start: float
    length: float


_LEAST_SEGMENT: Final = 3.0


def bar(counted: Tally, most: int, width: float) -> tuple[Segment, ...]:
    """Return a bar's pieces on a scale where ``most`` messages are ``width`` long.

    What is not nothing stays visible: no piece is shorter than three units.
    """
    segments: list[Segment] = []
    at = 0.0
    for outcome, count in counted.counts.items():
        if count:
            length = max(_LEAST_SEGMENT, width * count / max(most, 1))
            segments.append(Segment(outcome, round(at, 1), round(length, 1)))
            at += length
    return tuple(segments)
