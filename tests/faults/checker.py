"""What must hold after any faults, proved from both databases, both ledgers and what the apps did.

The books of both nodes are looked at from outside, beside the journal of what was announced: nothing
here asks a node. Each check raises ``AssertionError`` with what it found.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from faults.streams import prove_history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from journeys.proof import Facts

STEP = "faults.step"


@dataclass(frozen=True, slots=True)
class Announced:
    """A step, as the side that announced it or the side that acted on it keeps it."""

    message: str
    peer: str
    conversation: str
    number: int
    echo: bool


@dataclass(frozen=True, slots=True)
class Books:
    """All that one node holds: what crossed, what its app announced, and what its app did."""

    facts: Facts
    steps: list[Announced]
    effects: list[Announced]
    """In the order in which they happened."""


class Entry(Protocol):
    """A step of which its side once said that it is on record."""

    @property
    def at(self) -> float: ...
    @property
    def side(self) -> str: ...
    @property
    def message(self) -> str: ...


def prove_books(
    books: Mapping[str, Books],
    journal: Sequence[Entry],
    forgotten: Mapping[str, Sequence[tuple[float, float]]],
) -> str:
    """Prove everything, in both directions; return in words how much that was.

    ``forgotten`` holds for each side the spans of the journal's time that it lost by going back to an
    older database: of what it announced then, only what the other side had accepted remains.
    """
    prove_history([each.facts for each in books.values()])
    for name, mine in books.items():
        for other, theirs in books.items():
            if name != other:
                prove_effects(mine, theirs)
        prove_journal(mine, [entry for entry in journal if entry.side == name], forgotten[name])
    counted = ", ".join(
        f"{name}: {len(each.steps)} steps announced, {len(each.effects)} effects, "
        f"{len(each.facts.entries)} entries in the ledger, {len(each.facts.taken)} batches taken"
        for name, each in books.items()
    )
    return f"proved {counted}"


def prove_effects(sender: Books, receiver: Books) -> None:
    """Prove that each message of the sender took effect once at the receiver, and in its order."""
    way = f"{sender.facts.side} → {receiver.facts.side}"
    sent = sorted(
        (m for m in sender.facts.sent if m.peer == receiver.facts.side and m.type == STEP),
        key=lambda m: m.sequence,
    )
    effects = [effect for effect in receiver.effects if effect.peer == sender.facts.side]
    for message in sent:
        assert message.state == "handled", f"{way}: {message.id} ended as {message.state} ({message.code})"
    counts = Counter(effect.message for effect in effects)
    twice = [key for key, count in counts.items() if count > 1]
    assert not twice, f"{way}: {len(twice)} messages took effect twice, such as {twice[0]}"
    lost = [message.id for message in sent if message.id not in counts]
    assert not lost, f"{way}: {len(lost)} messages had no effect, such as {lost[0]}"
    invented = counts.keys() - {message.id for message in sent}
    assert not invented, f"{way}: {len(invented)} effects of no message, such as {min(invented)}"
    ordered, happened = defaultdict(list), defaultdict(list)
    for message in sent:
        ordered[message.conversation].append(message.id)
    for effect in effects:
        happened[effect.conversation].append(effect.message)
    for conversation, keys in ordered.items():
        assert happened[conversation] == keys, f"{way}: conversation {conversation} is out of order"
    numbers = defaultdict(list)
    for effect in effects:
        if not effect.echo:
            numbers[effect.conversation].append(effect.number)
    for conversation, seen in numbers.items():
        assert all(one < two for one, two in pairwise(seen)), f"{way}: the steps of {conversation}: {seen}"


def prove_journal(mine: Books, journal: Sequence[Entry], forgotten: Sequence[tuple[float, float]]) -> None:
    """Prove that what a side once said is on record is there, and its message with it."""
    name = mine.facts.side
    sent = {message.id for message in mine.facts.sent}
    steps = {step.message for step in mine.steps}
    assert len(steps) == len(mine.steps), f"{name}: a step stands twice"
    unsent = steps - sent
    assert not unsent, f"{name}: {len(unsent)} steps were announced and never sent"
    for entry in journal:
        if not any(start <= entry.at <= end for start, end in forgotten):
            assert entry.message in steps, f"{name}: step {entry.message} was on record, and is gone"
