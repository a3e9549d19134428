"""What must hold between two nodes whatever happened to them, proved from all that both of them keep.

Each check raises ``AssertionError`` with what it found. Nothing here asks a node: it has only facts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kouan.core import cbor
from kouan.core.exchange import wire
from kouan.core.exchange.reported import log_keys, witness_keys
from kouan.core.ledger.checkpoint import open_checkpoint
from kouan.core.ledger.merkle import Frontier, entry_hash, root_of
from kouan.core.trust import cose
from kouan.core.trust.member import MemberKeys

if TYPE_CHECKING:
    from collections.abc import Iterable

QUESTION = "validation.question"
ANSWER = "validation.answer"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as its sender or its receiver keeps it."""

    id: str
    peer: str
    type: str
    conversation: str
    state: str
    code: str
    sequence: int
    header: bytes
    sealed: bytes
    body: bytes
    """What it said; nothing once that was erased."""
    stays: bool
    """Whether its declaration has that kept for good."""
    ledger_index: int
    peer_ledger_index: int


@dataclass(frozen=True, slots=True)
class Carried:
    """A batch as its sender or its receiver keeps it."""

    peer: str
    first: int
    count: int
    root: bytes
    statement: bytes
    receipt: bytes


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a ledger."""

    index: int
    kind: str
    leaf_hash: bytes
    salt: bytes
    record: bytes


@dataclass(frozen=True, slots=True)
class SignedSize:
    """A checkpoint that was published, with its co-signatures."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one node holds about what crossed."""

    side: str
    trust_document: bytes
    sent: list[Message]
    got: list[Message]
    posted: list[Carried]
    taken: list[Carried]
    streams: dict[str, tuple[int, bytes, int, bytes]]
    entries: list[Listed]
    root: bytes
    checkpoints: list[SignedSize]
    witnessed: list[tuple[str, int, bytes]]
    complaints: list[str]
    validations: list[tuple[str, str, str, str, str]]

    @property
    def keys(self) -> MemberKeys:
        """The side's public keys."""
        return MemberKeys.from_bytes(self.trust_document)


def prove(sides: Iterable[Facts]) -> None:
    """Prove everything about every side and every pair of them, in both directions."""
    everyone = list(sides)
    for side in everyone:
        prove_ledger(side, everyone)
        assert not side.complaints, f"{side.side}: {side.complaints}"
    for sender in everyone:
        for receiver in everyone:
            if sender is not receiver:
                prove_crossing(sender, receiver)
        prove_answers(sender)


def prove_bodies(ours: Message, theirs: Message, what: str) -> None:
    """Prove that whoever still has what a message said has the same, and that nothing went that stays."""
    assert len({each.body for each in (ours, theirs) if each.body}) <= 1, f"{what}: the bodies differ"
    for each in (ours, theirs):
        assert each.body or not each.stays, f"{what}: what it said is gone"


def prove_crossing(sender: Facts, receiver: Facts) -> None:
    """Prove that all that one side sent came in once, whole, in order, and that both know how it ended."""
    way = f"{sender.side} → {receiver.side}"
    sent = sorted((m for m in sender.sent if m.peer == receiver.side), key=lambda m: m.sequence)
    got = [m for m in receiver.got if m.peer == sender.side]
    _same(
        [message.id for message in sent],
        [message.id for message in got],
        f"{way}: lost, invented or out of order",
    )
    _same(
        [m.sequence for m in sent], list(range(1, len(sent) + 1)), f"{way}: the sender's sequence has a gap"
    )
    for ours, theirs in zip(sent, got, strict=True):
        what = f"{way} {ours.id}"
        assert ours.header == theirs.header, f"{what}: the headers differ"
        assert (ours.sequence, ours.sealed) == (theirs.sequence, theirs.sealed), f"{what}: they differ"
        prove_bodies(ours, theirs, what)
        assert theirs.state in {"handled", "refused"}, f"{what}: it is {theirs.state} ({theirs.code})"
        _same(
            (ours.state, ours.code),
            (theirs.state, theirs.code),
            f"{what}: the sides tell its end differently",
        )
        assert ours.peer_ledger_index == theirs.ledger_index, f"{what}: not where the receipt says"
    _prove_streams(sender, receiver, len(sent))
    _prove_batches(sender, receiver)
    _prove_records(sent, sender, "sent", way, receiver.side)
    _prove_records(got, receiver, "received", way, sender.side)


def _prove_streams(sender: Facts, receiver: Facts, count: int) -> None:
    out_sequence, out_last, *_ = sender.streams.get(receiver.side, (0, wire.GENESIS))
    *_, in_sequence, in_last = receiver.streams.get(sender.side, (0, wire.GENESIS))
    way = f"{sender.side} → {receiver.side}"
    _same((out_sequence, in_sequence), (count, count), f"{way}: the numbers of messages")
    assert out_last == in_last, f"{way}: the sides stand at different batches"


def _prove_batches(sender: Facts, receiver: Facts) -> None:
    way = f"{sender.side} → {receiver.side}"
    posted = [batch for batch in sender.posted if batch.peer == receiver.side]
    taken = [batch for batch in receiver.taken if batch.peer == sender.side]
    _same([b.statement for b in posted], [b.statement for b in taken], f"{way}: the batches")
    _same(
        [b.receipt for b in posted],
        [b.receipt for b in taken],
        f"{way}: receipts are not byte for byte the same",
    )
    following, last = 1, wire.GENESIS
    for batch in posted:
        statement = wire.Statement.decode(
            cose.read1(batch.statement, content_type=wire.BATCH_TYPE, max_bytes=1 << 20).payload
        )
        _same((statement.first, statement.previous), (following, last), f"{way}: the chain of batches")
        following, last = following + statement.count, wire.digest(batch.statement)
    for facts, kind in ((sender, "receipt-received"), (receiver, "receipt-given")):
        records = Counter(entry.record for entry in facts.entries if entry.kind == kind)
        for batch in posted:
            _same(records[batch.receipt], 1, f"{way}: how often {facts.side}'s ledger has a receipt")


def _prove_records(messages: list[Message], facts: Facts, kind: str, way: str, peer: str) -> None:
    """Prove that a side's ledger has each of its messages with ``peer`` exactly once, where it says."""
    kinds = {kind, "refused"} if kind == "received" else {kind}
    records = Counter(entry.record for entry in facts.entries if entry.kind in kinds)
    for message in messages:
        leaf = wire.leaf(message.header, message.sealed)
        _same(records[leaf], 1, f"{way} {message.id}: how often {facts.side}'s ledger has it")
        assert facts.entries[message.ledger_index].record == leaf, (
            f"{way} {message.id}: another entry is there"
        )
    about_peer = sum(peer in _sides_of(entry.record) for entry in facts.entries if entry.kind in kinds)
    _same(about_peer, len(messages), f"{way}: entries of {facts.side}'s ledger about messages")


def _sides_of(leaf: bytes) -> set[str]:
    header = cbor.decode(leaf, max_bytes=1 << 20)[0]  # type: ignore[index]
    decoded = wire.Header.decode(header)  # type: ignore[arg-type]
    return {decoded.sender, decoded.receiver}


def prove_ledger(side: Facts, everyone: list[Facts]) -> None:
    """Prove a ledger from its leaves: every root that was ever signed, and that witnesses saw the same."""
    name, keys = side.side, side.keys
    _same([entry.index for entry in side.entries], list(range(len(side.entries))), f"{name}: entries")
    roots = {}
    frontier = Frontier()
    wanted = {checkpoint.size for checkpoint in side.checkpoints}
    for entry in side.entries:
        assert entry.leaf_hash == entry_hash(entry.salt, entry.record), (
            f"{name}: entry {entry.index} was changed"
        )
        frontier.append(entry.leaf_hash)
        if frontier.size in wanted:
            roots[frontier.size] = frontier.root()
    assert root_of(entry.leaf_hash for entry in side.entries) == frontier.root() == side.root, (
        f"{name}: the root"
    )
    sizes = [checkpoint.size for checkpoint in side.checkpoints]
    assert sizes == sorted(set(sizes)), f"{name}: checkpoints do not only grow"
    witnesses = [key for other in everyone if other is not side for key in witness_keys(other.keys)]
    for checkpoint in side.checkpoints:
        opened = open_checkpoint(
            checkpoint.note.encode(),
            log_keys=log_keys(keys),
            witness_keys=witnesses,
        )
        stated = (opened.checkpoint.size, opened.checkpoint.root)
        _same(
            stated,
            (checkpoint.size, roots[checkpoint.size]),
            f"{name}: a signed root is not that of its leaves",
        )
    if side.checkpoints:
        newest = open_checkpoint(
            side.checkpoints[-1].note.encode(),
            log_keys=log_keys(keys),
            witness_keys=witnesses,
            quorum=1,
        )
        _same(
            newest.checkpoint.size, len(side.entries), f"{name}: what the newest co-signed checkpoint covers"
        )
    for other in everyone:
        for origin, size, root in other.witnessed:
            if origin == keys.log_origin:
                assert roots.get(size) == root, f"{other.side} co-signed another ledger of {name} at {size}"


def prove_answers(asker: Facts) -> None:
    """Prove that every question handled has exactly one answer, in order, and every asker got exactly it."""
    answers_in = defaultdict(list)
    for message in asker.got:
        if message.type == ANSWER:
            answers_in[message.conversation].append(message)
    for key, conversation, answer_id, outcome, failure in asker.validations:
        assert outcome, f"{asker.side}: validation {key} was never answered ({failure or 'no failure noted'})"
        _same(
            [m.id for m in answers_in[conversation]],
            [answer_id],
            f"{asker.side}: answers to validation {key}",
        )
    questions_by, answers_by = defaultdict(list), defaultdict(list)
    for message in sorted(asker.got, key=lambda m: m.sequence):
        if message.type == QUESTION and message.state == "handled":
            questions_by[message.peer, message.conversation].append(_reference(message))
    for message in sorted(asker.sent, key=lambda m: m.sequence):
        if message.type == ANSWER:
            answers_by[message.peer, message.conversation].append(_reference(message))
    _same(dict(answers_by), dict(questions_by), f"{asker.side}: its answers, by conversation and in order")


def _reference(message: Message) -> str:
    payload = cbor.decode(wire.decode_body(message.body, max_bytes=1 << 20), max_bytes=1 << 20)
    return str(payload["reference"])  # type: ignore[index, call-overload]


def _same(found: object, expected: object, what: str) -> None:
    if found == expected:
        return
    difference = f"{str(found)[:500]} where {str(expected)[:500]} was expected"
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
        difference = (
            f"{len(keys)} differ, such as {keys[0]}: {found.get(keys[0])}, not {expected.get(keys[0])}"
        )
    if isinstance(found, list) and isinstance(expected, list):
        at = next((n for n, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]), -1)
        difference = f"{len(found)} and {len(expected)} of them, the first difference at {at}"
    raise AssertionError(f"{what}: {difference}")
