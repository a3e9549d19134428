"""Who took part when: bodies through all their names, and the people who chaired or spoke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kouan.apps.programme.domain import Field
from kouan.apps.programme.look.history import body_name
from kouan.apps.programme.records.reading.text import fold
from kouan.apps.programme.records.rules import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.apps.programme.look.history import Held
    from kouan.core.text import Localised


@dataclass(frozen=True, slots=True)
class Row:
    """A body, and at which of the meetings it was."""

    side: str
    name: Localised | str
    """Its present name."""
    earlier: tuple[Localised | str, ...]
    """Other names that it bore at these meetings."""
    present: tuple[bool, ...]

    @property
    def count(self) -> int:
        """At how many."""
        return sum(self.present)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the records name, with the offices held and the meetings."""

    name: str
    side: str
    offices: tuple[str, ...]
    meetings: tuple[tuple[int, bool], ...]
    """Which of the meetings, and whether in the chair."""


def bodies(held: Sequence[Held]) -> list[Row]:
    """Return the bodies, side by side, those that came most often first."""
    known = words().bodies
    present: dict[str, set[int]] = {}
    names: dict[str, list[Localised | str]] = {}
    for at, meeting in enumerate(held):
        for said in meeting.of(Field.BODY):
            code = str(said.value.get("code") or "") or fold(said.text).casefold()
            present.setdefault(code, set()).add(at)
            name = body_name(said.value, meeting.date)
            if str(name) not in map(str, names.setdefault(code, [])):
                names[code].append(name)
    rows = []
    for code, places in present.items():
        body = known.get(code)
        name = names[code][-1] if body is None else body.names[0].name
        earlier = tuple(each for each in names[code] if str(each) != str(name))
        side = "" if body is None else body.side
        rows.append(Row(side, name, earlier, tuple(at in places for at in range(len(held)))))
    return sorted(rows, key=lambda row: (row.side != "hk", row.side != "gd", -row.count, str(row.name)))


def people(held: Sequence[Held]) -> list[Person]:
    """Return the people, in the order in which they first appear."""
    offices: dict[tuple[str, str], list[str]] = {}
    places: dict[tuple[str, str], dict[int, bool]] = {}
    for at, meeting in enumerate(held):
        for said in meeting.of(Field.CHAIR, Field.PERSON):
            who = (str(said.value.get("name", "")), str(said.value.get("side") or ""))
            office = str(said.value.get("office") or "")
            if office and office not in offices.setdefault(who, []):
                offices[who].append(office)
            mine = places.setdefault(who, {})
            mine[at] = mine.get(at, False) or said.field is Field.CHAIR
    return [
        Person(name, side, tuple(offices.get((name, side), ())), tuple(sorted(mine.items())))
        for (name, side), mine in places.items()
    ]
