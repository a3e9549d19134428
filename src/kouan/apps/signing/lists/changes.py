"""What may change from one edition to the next, and what an arriving edition is. Pure, as ``domain``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.lists.domain import PoliciesUntil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from kouan.apps.signing.lists.domain import Edition, Entry

LONGEST: Final = timedelta(days=184)
"""From an edition to its next update: six months (ETSI TS 119 612 section 5.3.15)."""
MOST_ENTRIES: Final = 150
"""So that an edition with all its certificates fits into one message."""
MOST_CHANGES: Final = 40
"""In an entry's history."""
_CLOCKS: Final = timedelta(minutes=10)
"""How far the other side's clock may be ahead."""
_DAY: Final = timedelta(days=1)
"""What stands from a day on stands from its midnight, though the edition before came out on that day."""
_FIXED: Final = (
    "certificate_type", "root", "issuing_ca", "recognised_from", "policy_prefix", "demonstration",
)  # fmt: skip
_CHANGING: Final = ("name", "provider", "contact", "recognised_until", "type_policies", "history")


class Kind(StrEnum):
    """What became of an entry."""

    ADDED = "added"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that is not as it was."""

    kind: Kind
    entry: Entry
    before: Entry | None = None
    parts: tuple[str, ...] = ()
    """Which parts of it changed: names of ``Entry``'s fields."""


def differences(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[Difference, ...]:
    """Return what is new or changed in a list, in the order of the new one."""
    known = {each.code: each for each in before}
    found = []
    for entry in after:
        was = known.get(entry.code)
        if was is None:
            found.append(Difference(Kind.ADDED, entry))
            continue
        parts = tuple(name for name in (*_FIXED, *_CHANGING) if getattr(was, name) != getattr(entry, name))
        if parts:
            found.append(Difference(Kind.CHANGED, entry, was, parts))
    return tuple(found)


def rewritten(before: Edition, after: Sequence[Entry], *, at: datetime) -> tuple[str, ...]:
    """Return the codes of entries whose past a new edition does not leave as it was; none if all is well.

    An entry stays listed for good, its certificates and its beginning stay as they are, and its history is
    only added to: with what was not yet to be said by the edition before. Its end comes no earlier than the
    edition of ``at`` that says so, and stays once it has come. What its policies were until now is kept
    beside it (``with_past``).
    """
    known = {each.code: each for each in after}
    return tuple(
        was.code
        for was in before.entries
        if was.code not in known or _takes_back(was, known[was.code], before.issued_at, at)
    )


def _takes_back(was: Entry, entry: Entry, said_at: datetime, at: datetime) -> bool:
    known = len(was.history)
    return (
        any(getattr(was, each) != getattr(entry, each) for each in _FIXED)
        or entry.history[:known] != was.history
        or any(each.since < said_at - _DAY for each in entry.history[known:])
        or entry.recognised_until < min(was.recognised_until, at)
        or (was.recognised_until <= said_at and entry.recognised_until != was.recognised_until)
    )


def with_past(editions: Sequence[Edition]) -> Edition:
    """Return the newest of a side's editions, the oldest first, with what its entries' policies were before.

    An edition's policies are for what is signed from its issue on: none takes back what counted until then.
    """
    past: dict[str, tuple[Entry, tuple[PoliciesUntil, ...]]] = {}
    for edition in editions:
        for entry in edition.entries:
            was, changed = past.get(entry.code, (entry, ()))
            if was.type_policies != entry.type_policies:
                changed = (*changed, PoliciesUntil(edition.issued_at, was.type_policies))
            past[entry.code] = entry, changed
    newest = editions[-1]
    return replace(
        newest, entries=tuple(replace(each, policies_before=past[each.code][1]) for each in newest.entries)
    )


def told_at(editions: Sequence[Edition], code: str) -> tuple[datetime, ...]:
    """Return when each change in an entry's history was published; ``editions`` as for ``on_day``."""
    told: list[datetime] = []
    for edition in editions:
        entry = edition.entry(code)
        if entry is not None:
            told += [edition.issued_at] * (len(entry.history) - len(told))
    return tuple(told)


def sound(entry: Entry) -> str:
    """Return the name of the first field of an entry that contradicts the others; nothing if none does."""
    times = [each.since for each in entry.history]
    if entry.recognised_until <= entry.recognised_from:
        return "recognised_until"
    if not times or len(times) > MOST_CHANGES or times != sorted(set(times)):
        return "history"
    return "" if times[0] == entry.recognised_from else "history"


class Arrival(StrEnum):
    """What an edition of another side is, beside what is kept of that side."""

    TAKEN = "taken"
    REPLAY = "replay"
    """The newest one again."""
    ROLLBACK = "rollback"
    """An older one again."""
    GAP = "gap"
    """One before it is missing here."""
    EQUIVOCATION = "equivocation"
    """Another one of the same number, or one that continues another history."""
    REWRITTEN = "rewritten"
    """It takes back what an edition before it said."""
    BACKDATED = "backdated"
    """It says it is older than the one before it, or from the future."""
    NEXT_UPDATE = "next-update"
    """Its next update is not within six months of its issue."""
    SEEN_ANOTHER = "seen-another"
    """It names an edition of our list that we never published."""
    SIGNATURE = "signature"
    """The signature does not hold under the side's own CA."""
    MALFORMED = "malformed"


CONTRADICTIONS: Final = frozenset({Arrival.EQUIVOCATION, Arrival.REWRITTEN, Arrival.SEEN_ANOTHER})
"""What a side that keeps to the scheme never signs: the signed bytes are proof."""


def judge(  # noqa: PLR0911, PLR0913 - one return for each rule, and what they look at
    arrived: Edition,
    *,
    newest: Edition | None,
    known: Mapping[int, bytes],
    ours: Mapping[int, bytes],
    us: str,
    now: datetime,
) -> Arrival:
    """Return what an edition is whose signature holds.

    ``newest`` is the last one kept of its side, ``known`` the digests of all that are kept of it by number,
    ``ours`` those of the list of this side, ``us``.
    """
    last = newest.sequence if newest is not None else 0
    if arrived.sequence <= last:
        if known.get(arrived.sequence) != arrived.digest:
            return Arrival.EQUIVOCATION
        return Arrival.REPLAY if arrived.sequence == last else Arrival.ROLLBACK
    if arrived.sequence > last + 1:
        return Arrival.GAP
    if arrived.previous != (newest.digest if newest is not None else b""):
        return Arrival.EQUIVOCATION
    if arrived.issued_at > now + _CLOCKS or (newest is not None and arrived.issued_at <= newest.issued_at):
        return Arrival.BACKDATED
    if not timedelta(0) < arrived.next_update - arrived.issued_at <= LONGEST:
        return Arrival.NEXT_UPDATE
    if any(seen.side == us and ours.get(seen.sequence) != seen.digest for seen in arrived.others):
        return Arrival.SEEN_ANOTHER
    if newest is not None and rewritten(newest, arrived.entries, at=arrived.issued_at):
        return Arrival.REWRITTEN
    return Arrival.TAKEN


@dataclass(frozen=True, slots=True)
class Answer:
    """How an entry stood on a day, by the newest edition and by the one that was in force then."""

    entry: Entry
    stood: str
    """Its status by the newest edition: a ``Status``, ``not-yet`` or ``ended``."""
    in_force: Edition | None
    """The edition that was the newest on that day; ``None`` before the first."""
    stood_then: str
    """Its status by that edition; ``not-listed`` where it did not name the entry."""

    @property
    def recognised(self) -> bool:
        """Whether what was signed at that moment counts, by what is known now."""
        return self.stood in {"recognised", "superseded"}


def stands(entry: Entry, at: datetime) -> str:
    """Return how an entry stands at a moment: a ``Status``, ``not-yet`` or ``ended``."""
    held = entry.status_at(at)
    if held is None or at < entry.recognised_from:
        return "not-yet"
    if at >= entry.recognised_until and str(held.status) != "withdrawn":
        return "ended"
    return str(held.status)


def on_day(editions: Sequence[Edition], code: str, at: datetime) -> Answer | None:
    """Return how an entry stood at a moment; ``editions`` are those of one side, the oldest first.

    ``None`` for an entry that the newest edition does not name.
    """
    entry = editions[-1].entry(code) if editions else None
    if entry is None:
        return None
    in_force = next((each for each in reversed(editions) if each.issued_at <= at), None)
    then = in_force.entry(code) if in_force is not None else None
    return Answer(entry, stands(entry, at), in_force, "not-listed" if then is None else stands(then, at))
