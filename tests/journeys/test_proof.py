"""The proof of the journeys is itself put to the test: whatever is done to the facts, it must say so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from journeys import inside
from journeys.proof import Facts, prove

if TYPE_CHECKING:
    from collections.abc import Callable

    from journeys.conftest import Group


def _swap(items: list[object]) -> list[object]:
    return [items[1], items[0], *items[2:]]


def _other_states(facts: Facts) -> list[object]:
    return [replace(message, state="accepted") for message in facts.sent]


def _erased_entry(facts: Facts, kind: str) -> list[object]:
    at = next(entry.index for entry in facts.entries if entry.kind == kind)
    return [replace(entry, record=b"x") if entry.index == at else entry for entry in facts.entries]


SPOILT: dict[str, Callable[[Facts], Facts]] = {
    "a message lost": lambda facts: replace(facts, got=facts.got[:-1]),
    "a message twice": lambda facts: replace(facts, got=[*facts.got, facts.got[-1]]),
    "messages out of order": lambda facts: replace(facts, got=_swap(facts.got)),
    "a message never sealed": lambda facts: replace(facts, sent=facts.sent[1:]),
    "an end that one side does not know": lambda facts: replace(facts, sent=_other_states(facts)),
    "a batch lost": lambda facts: replace(facts, taken=facts.taken[1:]),
    "another receipt": lambda facts: replace(
        facts, taken=[replace(facts.taken[0], receipt=facts.taken[1].receipt), *facts.taken[1:]]
    ),
    "a sequence run ahead": lambda facts: replace(
        facts, streams={peer: (out + 1, *rest) for peer, (out, *rest) in facts.streams.items()}
    ),
    "an entry rewritten": lambda facts: replace(facts, entries=_erased_entry(facts, "received")),
    "an entry left out": lambda facts: replace(facts, entries=facts.entries[:-1]),
    "a checkpoint of another tree": lambda facts: replace(
        facts,
        checkpoints=[replace(facts.checkpoints[0], note=facts.checkpoints[-1].note), *facts.checkpoints[1:]],
    ),
    "a witness who saw something else": lambda facts: replace(
        facts, witnessed=[(origin, size, bytes(32)) for origin, size, _ in facts.witnessed]
    ),
    "a question without an answer": lambda facts: replace(
        facts, validations=[(*item[:3], "", "") for item in facts.validations]
    ),
    "an answer too many": lambda facts: replace(
        facts, validations=[(*item[:2], facts.got[-1].id, *item[3:]) for item in facts.validations]
    ),
    "an incident": lambda facts: replace(facts, complaints=["id-conflict"]),
}


def holds(*sides: Facts) -> bool:
    """Return whether the proof accepts these facts."""
    try:
        prove(sides)
    except (AssertionError, KeyError, IndexError):
        return False
    return True


def test_the_proof_sees_whatever_is_spoilt(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    for asker, other in ((hk, "gd"), (gd, "hk")):
        for _ in range(2):
            asker.run(inside.ask_at_once, other, 2)
            pair.wait_at_rest()
    mine, theirs = hk.run(inside.facts), gd.run(inside.facts)
    assert holds(mine, theirs)
    for what, spoil in SPOILT.items():
        spoilt = spoil(mine)
        assert spoilt != mine, what
        assert not holds(spoilt, theirs), f"not noticed: {what}"
