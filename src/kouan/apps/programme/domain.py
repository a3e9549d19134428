"""Rules about the records: what can be read in them, and how what several say comes to one."""

from __future__ import annotations

import calendar
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Script(StrEnum):
    """The script that a record is written in, by its BCP 47 tag in lower case."""

    ENGLISH = "en"
    TRADITIONAL = "zh-hant"
    SIMPLIFIED = "zh-hans"


class Mode(StrEnum):
    """How a meeting was held."""

    IN_PERSON = "in-person"
    VIDEO = "video"
    HYBRID = "hybrid"


class Field(StrEnum):
    """What a claim is about."""

    HELD = "held"
    """That the meeting took place: its group and number."""
    DATE = "date"
    PLACE = "place"
    MODE = "mode"
    CHAIR = "chair"
    PERSON = "person"
    BODY = "body"
    AREA = "area"
    DECISION = "decision"
    AGREEMENT = "agreement"
    EVENT = "event"
    FIGURE = "figure"


class State(StrEnum):
    """How a claim stands with the officers."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    REJECTED = "rejected"


class Act(StrEnum):
    """What an officer does to a claim."""

    CONFIRM = "confirm"
    CORRECT = "correct"
    REJECT = "reject"
    REOPEN = "reopen"


HIGHEST: Final = 999
"""The highest number of a meeting: records are read for as many digits."""
DECIDED: Final = frozenset({State.CONFIRMED, State.CORRECTED})


def is_date(said: str) -> bool:
    """Say whether a text is a date as the claims have it: of a calendar, as precise as it is."""
    match = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", said, re.ASCII)
    if not match:
        return False
    year, month, day = (int(part) if part else None for part in match.groups())
    if not year or not 1900 <= year <= 2200 or (month is not None and not 1 <= month <= 12):  # noqa: PLR2004 - years of records
        return False
    return day is None or month is None or 1 <= day <= calendar.monthrange(year, month)[1]


@dataclass(frozen=True, slots=True)
class Said:
    """What one record says of a date, a place or a mode, and how it stands with the officers."""

    value: Mapping[str, object]
    state: State = State.PROPOSED
    confidence: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What several records come to: a value, or a conflict that an officer has to decide."""

    value: Mapping[str, object] | None
    conflict: tuple[Mapping[str, object], ...] = ()


def settle(field: Field, said: Sequence[Said], *, within: Callable[[str], str] = lambda _code: "") -> Settled:
    """Return what counts of one field of a meeting.

    What an officer confirmed or corrected counts before what was only read, and what was rejected not at
    all. Values that agree as far as each goes (``2024-10`` and ``2024-10-09``, a venue and its city) come to
    the more precise one. Else nothing counts, and all are the conflict. ``within`` says in which place a
    venue is.
    """
    live = [each for each in said if each.state is not State.REJECTED]
    pool = [each for each in live if each.state in DECIDED] or live
    precise = [each for each in pool if _key(field, each.value)]
    if not precise:
        return Settled(max(pool, key=lambda each: each.confidence).value if pool else None)
    best = max(precise, key=lambda each: (_precision(field, each.value, within), each.confidence))
    different: dict[str, Mapping[str, object]] = {}
    for each in precise:
        if not _agree(field, best.value, each.value, within):
            different.setdefault(_key(field, each.value), each.value)
    if different:
        return Settled(None, (best.value, *different.values()))
    return Settled(best.value)


def _key(field: Field, value: Mapping[str, object]) -> str:
    match field:
        case Field.DATE:
            return str(value.get("iso") or "")
        case Field.PLACE:
            return str(value.get("code") or value.get("text") or "")
        case _:
            return str(value.get("mode") or "")


def _precision(field: Field, value: Mapping[str, object], within: Callable[[str], str]) -> int:
    key = _key(field, value)
    return len(key) if field is Field.DATE else int(bool(value.get("code"))) + int(bool(within(key)))


def _agree(
    field: Field, best: Mapping[str, object], other: Mapping[str, object], within: Callable[[str], str]
) -> bool:
    one, two = _key(field, best), _key(field, other)
    if field is Field.DATE:
        return one.startswith(two)
    return one == two or (field is Field.PLACE and within(one) == two)


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in a row of meetings that an officer should look at."""

    code: str
    """``number-skips`` (``numbers`` are missing) or ``number-against-date`` (they are out of order)."""
    numbers: tuple[int, ...]


def oddities(meetings: Sequence[tuple[int, str]]) -> list[Oddity]:
    """Say what is odd in one group's meetings, given as number and date (ISO, any precision, or empty).

    >>> oddities([(1, "2006-05-17"), (3, "2008"), (4, "2007-06")])
    [Oddity(code='number-skips', numbers=(2,)), Oddity(code='number-against-date', numbers=(3, 4))]
    """
    found = []
    row = sorted(meetings)
    numbers = {number for number, _date in row}
    missing = tuple(
        number for number in range(min(numbers, default=1), max(numbers, default=0)) if number not in numbers
    )
    if missing:
        found.append(Oddity("number-skips", missing[:20]))
    dated = [(number, day) for number, day in row if day]
    for (earlier, first), (later, second) in pairwise(dated):
        shared = min(len(first), len(second))
        if first[:shared] > second[:shared]:
            found.append(Oddity("number-against-date", (earlier, later)))
    return found


SKETCH: Final = 64
_SHINGLE: Final = 5
ALIKE: Final = 0.7
"""Of the sketches' parts, how many two texts share that say the same."""


def sketch(folded: str) -> list[int]:
    """Return what a near copy of a text is known by: the 64 smallest hashes of its runs of five words.

    In Chinese of five characters, folded into one script: it finds the text in the other script too.
    """
    units = re.findall(r"[a-z0-9]+|[㐀-䶿一-鿿]", folded.casefold())
    runs = {" ".join(units[at : at + _SHINGLE]) for at in range(max(1, len(units) - _SHINGLE + 1))}
    hashes = sorted(int.from_bytes(hashlib.blake2b(run.encode(), digest_size=6).digest()) for run in runs)
    return hashes[:SKETCH]


def likeness(one: Sequence[int], two: Sequence[int]) -> float:
    """Return how alike two texts are by their sketches, from 0 to 1."""
    union = sorted({*one, *two})[:SKETCH]
    shared = set(one) & set(two)
    return sum(each in shared for each in union) / len(union) if union else 0.0
