"""What must hold between two nodes that may have gone back to older databases and begun their streams anew.

The proof of the journeys asks for one unbroken history; this one asks for histories that break only where
both sides signed that they do (the ledgers' entries ``resynced``), and as they signed it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from journeys.proof import prove_bodies
from kouan.core import cbor
from kouan.core.exchange import wire
from kouan.core.exchange.recovery.forms import Agreement, resync_digest
from kouan.core.ledger.checkpoint import open_checkpoint
from kouan.core.ledger.merkle import Frontier, entry_hash
from kouan.core.ledger.notes import VerifierKey, epoch_origin, is_epoch_of
from kouan.core.trust import cose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from journeys.proof import Carried, Facts


@dataclass(frozen=True, slots=True)
class Resync:
    """Both sides' words to begin anew."""

    root: bytes
    said: dict[str, Agreement]

    def number(self, sender: str, receiver: str) -> int:
        """Return the last number of the sender's stream before it began anew."""
        return max(self.said[sender].out.number, self.said[receiver].inn.number)


def prove_history(sides: Sequence[Facts]) -> None:
    """Prove everything about both sides, in both directions."""
    resyncs = resyncs_of(sides)
    for side in sides:
        assert not side.complaints, f"{side.side}: {side.complaints}"
        (other,) = (each for each in sides if each is not side)
        prove_ledger(side, other, resyncs)
        prove_crossing(side, other, resyncs)


def _ends(sender: Facts, receiver: Facts) -> str:
    """Tell the last batches as both sides have them: where each stands, and what the peer knows of it."""
    posted = {wire.digest(batch.statement): batch for batch in sender.posted}
    taken = {wire.digest(batch.statement): batch for batch in receiver.taken}
    told = [
        f"{name} {digest.hex()[:8]} (from {batch.first}, {batch.count} messages, "
        f"receipt {bool(batch.receipt)}, known there {digest in there})"
        for name, here, there in (("posted", posted, taken), ("taken", taken, posted))
        for digest, batch in list(here.items())[-3:]
    ]
    out, came = sender.streams[receiver.side][1], receiver.streams[sender.side][3]
    return f"out {out.hex()[:8]}, in {came.hex()[:8]}; {'; '.join(told)}"


def resyncs_of(sides: Iterable[Facts]) -> list[Resync]:
    """Return every resynchronisation that either ledger has on record."""
    found = {}
    for side in sides:
        for entry in side.entries:
            if entry.kind == "resynced":
                signed = cbor.decode(entry.record, max_bytes=1 << 16)
                said = [Agreement.read(one) for one in signed]  # type: ignore[union-attr, arg-type]
                root = resync_digest(*signed)  # type: ignore[misc, arg-type]
                found[root] = Resync(root, {one.sender: one for one in said})
    return list(found.values())


def prove_crossing(sender: Facts, receiver: Facts, resyncs: Sequence[Resync]) -> None:
    """Prove that all that one side sent came in once, whole, in order, and that both know how it ended."""
    way = f"{sender.side} → {receiver.side}"
    sent = sorted((m for m in sender.sent if m.peer == receiver.side), key=lambda m: m.sequence)
    got = [m for m in receiver.got if m.peer == sender.side]
    # What the receiver refused and then forgot is not offered again: the sender's app was told so.
    gone = [
        m
        for m in sent
        if m.state == "refused" and _forgot(m.sequence, way=(sender, receiver), resyncs=resyncs)
    ]
    prove_records(sender, gone, {"sent", "recovered"}, way)
    sent = [message for message in sent if message not in gone]
    counts = Counter(message.id for message in got)
    assert max(counts.values(), default=1) == 1, f"{way}: a message came in twice"
    lost = [f"{m.id} ({m.type}, number {m.sequence}, {m.state} {m.code})" for m in sent if m.id not in counts]
    assert not lost, f"{way}: {len(lost)} messages lost: {', '.join(lost[:5])}"
    invented = counts.keys() - {message.id for message in sent}
    assert not invented, (
        f"{way}: {len(invented)} messages that nobody sent, such as {min(invented)} "
        f"({next(m.type for m in got if m.id in invented)})"
    )
    assert [m.id for m in sent] == [m.id for m in got], f"{way}: out of order"
    breaks = {resync.number(sender.side, receiver.side) + 1 for resync in resyncs}
    numbers = [0, *(message.sequence for message in sent)]
    for one, two in pairwise(numbers):
        assert two == one + 1 or (two > one and two in breaks), f"{way}: from number {one} to {two}"
    for ours, theirs in zip(sent, got, strict=True):
        what = f"{way} {ours.id}"
        prove_bodies(ours, theirs, what)
        for name in ("header", "sequence", "sealed", "state", "code"):
            here, there = getattr(ours, name), getattr(theirs, name)
            assert here == there, f"{what}: its {name} differs: {here!r:.80} and {there!r:.80}"
        assert theirs.state in {"handled", "refused"}, f"{what}: it is {theirs.state} ({theirs.code})"
        assert ours.peer_ledger_index == theirs.ledger_index, f"{what}: not where the receipt says"
    out_sequence, out_root, *_ = sender.streams.get(receiver.side, (0, wire.GENESIS))
    *_, in_sequence, in_root = receiver.streams.get(sender.side, (0, wire.GENESIS))
    assert out_sequence == in_sequence, f"{way}: numbers {out_sequence} and {in_sequence}"
    assert out_root == in_root, f"{way}: the sides stand at different batches: {_ends(sender, receiver)}"
    prove_batches(sender, receiver, resyncs)
    prove_records(sender, sent, {"sent", "recovered"}, way)
    prove_records(receiver, got, {"received", "refused"}, way)


def prove_batches(sender: Facts, receiver: Facts, resyncs: Sequence[Resync]) -> None:
    """Prove that both hold the same batches and receipts, but for those that one signed it had forgotten."""
    way = f"{sender.side} → {receiver.side}"
    posted = {b.statement: b for b in sender.posted if b.peer == receiver.side}
    taken = [b for b in receiver.taken if b.peer == sender.side]
    for batch in taken:
        assert batch.statement in posted, f"{way}: a batch that the sender does not know"
        assert posted[batch.statement].receipt == batch.receipt, f"{way}: receipts differ"
    order = {statement: at for at, statement in enumerate(posted)}
    places = [order[batch.statement] for batch in taken]
    assert places == sorted(places), f"{way}: the batches are in another order"
    held = {batch.statement for batch in taken}
    for batch in posted.values():
        assert batch.receipt, f"{way}: a batch without a receipt"
        if batch.statement not in held:
            assert _was_forgotten(batch, receiver.side, sender.side, resyncs), f"{way}: a batch was lost"
    _prove_chain(taken, sender.side, receiver.side, resyncs)
    for facts, kind in ((sender, "receipt-received"), (receiver, "receipt-given")):
        records = Counter(entry.record for entry in facts.entries if entry.kind == kind)
        for batch in taken:
            count = records[batch.receipt]
            assert count == 1, f"{way}: {facts.side}'s ledger has a receipt {count} times"


def _was_forgotten(batch: Carried, receiver: str, sender: str, resyncs: Sequence[Resync]) -> bool:
    """Whether the receiver signed, in some resynchronisation, that it stands before this batch."""
    last = batch.first + batch.count - 1
    return any(
        resync.said[receiver].inn.number <= last <= resync.number(sender, receiver) for resync in resyncs
    )


def _forgot(number: int, *, way: tuple[Facts, Facts], resyncs: Sequence[Resync]) -> bool:
    """Whether the receiver signed, in some resynchronisation, that it does not know this number any more."""
    sender, receiver = (each.side for each in way)
    return any(
        resync.said[receiver].inn.number < number <= resync.number(sender, receiver) for resync in resyncs
    )


def _prove_chain(taken: Sequence[Carried], sender: str, receiver: str, resyncs: Sequence[Resync]) -> None:
    begins = {resync.root: resync.number(sender, receiver) + 1 for resync in resyncs}
    following, root = 1, wire.GENESIS
    for batch in taken:
        unverified = cose.read1(batch.statement, content_type=wire.BATCH_TYPE, max_bytes=1 << 20)
        statement = wire.Statement.decode(unverified.payload)
        if statement.previous in begins:
            following, root = begins[statement.previous], statement.previous
        found = (statement.first, statement.previous)
        assert found == (following, root), f"{sender} → {receiver}: the chain of batches breaks at {found[0]}"
        following, root = following + statement.count, wire.digest(batch.statement)


def prove_records(facts: Facts, messages: Sequence[object], kinds: set[str], way: str) -> None:
    """Prove that a side's ledger has each of its messages exactly once, where its row says."""
    records = Counter(entry.record for entry in facts.entries if entry.kind in kinds)
    for message in messages:
        leaf = wire.leaf(message.header, message.sealed)  # type: ignore[attr-defined]
        what = f"{way} {message.id}"  # type: ignore[attr-defined]
        assert records[leaf] == 1, f"{what}: {facts.side}'s ledger has it {records[leaf]} times"
        assert 0 <= message.ledger_index < len(facts.entries), f"{what}: it has no place"  # type: ignore[attr-defined]
        assert facts.entries[message.ledger_index].record == leaf, f"{what}: another entry is there"  # type: ignore[attr-defined]


def prove_ledger(side: Facts, other: Facts, resyncs: Sequence[Resync]) -> None:
    """Prove a ledger from its leaves: every root that was signed, and that the witness saw the same.

    Of a ledger that was given up for a next one, the witness must have seen the same up to the checkpoint
    from which, by what the side signed, the next one goes on.
    """
    name, keys = side.side, side.keys
    assert [entry.index for entry in side.entries] == list(range(len(side.entries))), f"{name}: entries"
    frontier, roots = Frontier(), [Frontier().root()]
    for entry in side.entries:
        assert entry.leaf_hash == entry_hash(entry.salt, entry.record), (
            f"{name}: entry {entry.index} was changed"
        )
        frontier.append(entry.leaf_hash)
        roots.append(frontier.root())
    assert roots[-1] == side.root, f"{name}: the root"
    sizes = [checkpoint.size for checkpoint in side.checkpoints]
    assert max(sizes, default=0) < len(roots), f"{name}: a checkpoint of more entries than there are"
    assert sizes == sorted(set(sizes)), f"{name}: checkpoints do not only grow"
    witness = VerifierKey.for_witness(other.keys.witness_name, other.keys.witness_key)
    for checkpoint in side.checkpoints:
        origin = checkpoint.note.partition("\n")[0]
        assert is_epoch_of(origin, keys.log_origin), f"{name}: a checkpoint of {origin}"
        opened = open_checkpoint(
            checkpoint.note.encode(),
            log_keys=[VerifierKey.for_log(origin, keys.log_key)],
            witness_keys=[witness],
            quorum=int(checkpoint is side.checkpoints[-1]),
        ).checkpoint
        assert (opened.size, opened.root) == (checkpoint.size, roots[checkpoint.size]), (
            f"{name}: a signed root is not that of its leaves"
        )
    assert not sizes or sizes[-1] == len(side.entries), (
        f"{name}: the newest checkpoint does not cover the end"
    )
    bases = [
        (said.epoch, 0 if said.base is None else said.base.number)
        for said in (resync.said[name] for resync in resyncs)
    ]
    last = max((epoch for epoch, _ in bases), default=1)
    for number in range(1, last + 1):
        shared = min((base for epoch, base in bases if epoch > number), default=len(side.entries))
        for origin, size, root in other.witnessed:
            if origin == epoch_origin(keys.log_origin, number) and size <= shared:
                assert size < len(roots), f"{other.side} co-signed more of {name} than there is"
                assert roots[size] == root, f"{other.side} co-signed another ledger of {name} at {size}"
