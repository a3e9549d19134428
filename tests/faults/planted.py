"""Defects planted into the books of two nodes that are in order: the checker must see every one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from faults.checker import STEP, Books, Entry, prove_books
from kouan.core.ledger.merkle import entry_hash, root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def _lost_effect(books: Books) -> Books:
    return replace(books, effects=books.effects[:-1])


def _double_effect(books: Books) -> Books:
    return replace(books, effects=[*books.effects, books.effects[0]])


def _swapped_effects(books: Books) -> Books:
    """Swap two effects of one conversation: the handler ran them in the other order."""
    by_conversation: dict[tuple[str, str], list[int]] = {}
    for at, effect in enumerate(books.effects):
        by_conversation.setdefault((effect.peer, effect.conversation), []).append(at)
    one, two = next(places for places in by_conversation.values() if len(places) > 1)[:2]
    effects = list(books.effects)
    effects[one], effects[two] = effects[two], effects[one]
    return replace(books, effects=effects)


def _lost_message(books: Books) -> Books:
    return replace(books, facts=replace(books.facts, got=books.facts.got[1:]))


def _double_message(books: Books) -> Books:
    return replace(books, facts=replace(books.facts, got=[*books.facts.got, books.facts.got[0]]))


def _swapped_messages(books: Books) -> Books:
    one, two, *rest = books.facts.got
    return replace(books, facts=replace(books.facts, got=[two, one, *rest]))


def _unsent_step(books: Books) -> Books:
    mine = next(m.id for m in books.facts.sent if m.type == STEP and m.id in {s.message for s in books.steps})
    sent = [message for message in books.facts.sent if message.id != mine]
    return replace(books, facts=replace(books.facts, sent=sent))


def _rolled_back_step(books: Books) -> Books:
    mine = next(at for at, step in enumerate(books.steps) if not step.echo)
    return replace(books, steps=[*books.steps[:mine], *books.steps[mine + 1 :]])


def _rewritten_entry(books: Books) -> Books:
    """Rewrite an entry as somebody would who holds the whole database: leaf and root are made to fit."""
    facts = books.facts
    entries = list(facts.entries)
    at = len(entries) // 2
    record = entries[at].record + b"x"
    entries[at] = replace(entries[at], record=record, leaf_hash=entry_hash(entries[at].salt, record))
    root = root_of(entry.leaf_hash for entry in entries)
    return replace(books, facts=replace(facts, entries=entries, root=root))


def _shortened_ledger(books: Books) -> Books:
    facts = books.facts
    entries = facts.entries[:-1]
    return replace(
        books, facts=replace(facts, entries=entries, root=root_of(entry.leaf_hash for entry in entries))
    )


def _other_receipt(books: Books) -> Books:
    one, two, *rest = books.facts.taken
    return replace(books, facts=replace(books.facts, taken=[replace(one, receipt=two.receipt), two, *rest]))


PLANTED: Mapping[str, Callable[[Books], Books]] = {
    "an effect lost": _lost_effect,
    "an effect twice": _double_effect,
    "effects in another order": _swapped_effects,
    "a message lost": _lost_message,
    "a message twice": _double_message,
    "messages in another order": _swapped_messages,
    "a step announced whose message is gone": _unsent_step,
    "a step that was on record and is gone": _rolled_back_step,
    "a ledger rewritten, hashes and root with it": _rewritten_entry,
    "a ledger cut short": _shortened_ledger,
    "another receipt": _other_receipt,
}


def unnoticed(
    books: Mapping[str, Books],
    journal: Sequence[Entry],
    forgotten: Mapping[str, Sequence[tuple[float, float]]],
) -> list[str]:
    """Return the planted defects that the checker does not see; each is planted into each side alone."""
    missed = []
    for what, spoil in PLANTED.items():
        for side in books:
            try:
                prove_books({**books, side: spoil(books[side])}, journal, forgotten)
            except AssertionError:
                continue
            missed.append(f"{side}: {what}")
    return missed
