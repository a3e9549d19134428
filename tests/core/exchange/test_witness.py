"""Both roles of witnessing between nodes."""

from __future__ import annotations

import pytest

from core.exchange.peer import sha256
from kouan.core.exchange import inbox, witness
from kouan.core.ledger import queries
from kouan.core.ledger.errors import LedgerRangeError, NoteSignatureError, UntrustedNoteError
from kouan.core.ledger.models import Cosignature

LEAVES = [sha256(bytes([at])) for at in range(5)]


def take(gd):
    posted = gd.batch(gd.say())
    inbox.accept(posted.wire)
    gd.advance(posted)


def test_the_peer_is_asked_once_for_each_growth(gd, note):
    assert witness.publish() is False
    assert witness.request_for("gd") is None
    take(gd)
    assert witness.publish() is True
    assert witness.publish() is False
    size, request = witness.request_for("gd")
    assert size == 2
    assert request.startswith(b"old 0\n\nhk.kouan/ledger\n2\n")
    note_text = request.decode().split("\n\n", 1)[1]
    witness.take_cosignature("gd", size, gd.cosign(note_text).encode())
    assert witness.request_for("gd") is None
    take(gd)
    witness.publish()
    size, request = witness.request_for("gd")
    assert size == 4
    assert request.startswith(b"old 2\n")
    assert queries.latest_cosigned().size == 2


def test_a_witness_that_knows_another_size_is_asked_from_there(gd, note):
    for _ in range(3):
        take(gd)
        witness.publish()
    size, request = witness.request_for("gd", known_size=4)
    assert (size, request.splitlines()[0]) == (6, b"old 4")
    with pytest.raises(LedgerRangeError):
        witness.request_for("gd", known_size=7)  # this node has lost entries


def test_only_the_peers_own_cosignature_counts(peer_of, note):
    gd, mo = peer_of("gd"), peer_of("mo")
    take(gd)
    witness.publish()
    size, request = witness.request_for("gd")
    text = request.decode().split("\n\n", 1)[1]
    with pytest.raises(UntrustedNoteError):
        witness.take_cosignature("gd", size, mo.cosign(text).encode())
    other = text.replace("\n2\n", "\n3\n", 1)
    with pytest.raises(NoteSignatureError):
        witness.take_cosignature("gd", size, gd.cosign(other).encode())
    with pytest.raises(LedgerRangeError):
        witness.take_cosignature("gd", size + 1, gd.cosign(text).encode())
    assert not Cosignature.objects.exists()


def test_the_node_cosigns_a_members_growing_log(gd):
    answer = witness.add_checkpoint(gd.add_checkpoint(gd.checkpoint(LEAVES[:1]), old_size=0))
    assert answer.status == 200
    assert answer.body.startswith("— hk.kouan/witness ".encode())
    stale = witness.add_checkpoint(gd.add_checkpoint(gd.checkpoint(LEAVES[:2]), old_size=0))
    assert (stale.status, stale.content_type, stale.body) == (409, "text/x.tlog.size", b"1\n")
    proof = [sha256(b"\x00", LEAVES[1])]
    grown = gd.add_checkpoint(gd.checkpoint(LEAVES[:2]), old_size=1, proof=proof)
    assert witness.add_checkpoint(grown).status == 200


def test_a_rewritten_log_is_refused_and_kept_as_evidence(gd):
    assert witness.add_checkpoint(gd.add_checkpoint(gd.checkpoint(LEAVES[:2]), old_size=0)).status == 200
    rewritten = gd.checkpoint([LEAVES[4], LEAVES[1], LEAVES[2]])
    refused = witness.add_checkpoint(
        gd.add_checkpoint(rewritten, old_size=2, proof=[sha256(b"\x00", LEAVES[2])])
    )
    assert refused.status == 422
    same_size = gd.add_checkpoint(gd.checkpoint([LEAVES[4], LEAVES[1]]), old_size=2)
    assert witness.add_checkpoint(same_size).status == 422
    assert {each.finding for each in queries.equivocations()} == {"inconsistent", "same-size"}


def test_a_log_of_nobody_known(peer_of, gd, stores):
    note = gd.checkpoint(LEAVES[:1])
    assert witness.add_checkpoint(gd.add_checkpoint(note.replace("gd.", "mo."), old_size=0)).status == 404
    mo = peer_of("mo")
    signed_by_mo = mo.checkpoint(LEAVES[:1]).split("\n\n")[1]
    stolen = note.split("\n\n")[0] + "\n\n" + signed_by_mo
    assert witness.add_checkpoint(gd.add_checkpoint(stolen, old_size=0)).status == 403
    for nonsense in (b"", b"old x\n\n", b"old 0\n\n", bytes(70_000), b"\xff" * 100):
        assert witness.add_checkpoint(nonsense).status == 400
