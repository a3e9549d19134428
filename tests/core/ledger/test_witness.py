"""The witness protocol, between a ledger in the database and a witness in the same one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.errors import KouanError
from kouan.core.ledger import merkle, queries, services
from kouan.core.ledger.checkpoint import Checkpoint, open_checkpoint
from kouan.core.ledger.errors import MalformedWitnessRequestError
from kouan.core.ledger.models import Equivocation, WitnessedCheckpoint, WitnessedLog
from kouan.core.ledger.notes import (
    MAX_NOTE_BYTES,
    Ed25519Cosigner,
    Ed25519NoteSigner,
    VerifierKey,
    encode64,
    parse_note,
)
from kouan.core.ledger.witness import AddCheckpoint, WitnessAnswer, format_add_checkpoint

if TYPE_CHECKING:
    from datetime import datetime

Recorder: TypeAlias = Callable[[int], services.Appended]
Asker: TypeAlias = Callable[[bytes], WitnessAnswer]
LEAVES = [merkle.leaf_hash(bytes([at])) for at in range(20)]
OTHERS = [*LEAVES[:5], *reversed(LEAVES[5:])]


@pytest.fixture
def ask(log_signer: Ed25519NoteSigner, cosigner: Ed25519Cosigner, now: datetime) -> Asker:
    def find(origin: str) -> Sequence[VerifierKey] | None:
        return [log_signer.verifier] if origin == log_signer.name else None

    return lambda body: services.witness_add_checkpoint(body, find_log=find, cosigner=cosigner, now=now)


def offer(
    signer: Ed25519NoteSigner, old: int, size: int, *, leaves: list[bytes] = LEAVES, proof: bool = True
) -> bytes:
    def node(level: int, index: int) -> bytes:
        return merkle.root_of(leaves[index << level : (index + 1) << level])

    path = merkle.consistency_path(node, old, size) if proof and old <= size else []
    checkpoint = Checkpoint(signer.name, size, merkle.root_of(leaves[:size]))
    return format_add_checkpoint(old, path, str(checkpoint.sign(signer)))


@pytest.mark.django_db
def test_a_growing_ledger_is_cosigned_time_and_again(
    record: Recorder, ask: Asker, log_signer: Ed25519NoteSigner, cosigner: Ed25519Cosigner, now: datetime
) -> None:
    assert queries.add_checkpoint_request(old_size=0) is None
    for more in (1, 255, 2, 44):
        record(more)
        services.publish_checkpoint(log_signer=log_signer)
        made = queries.add_checkpoint_request(old_size=queries.cosigned_size(cosigner.name))
        assert made is not None
        size, body = made
        answer = ask(body)
        assert (answer.status, answer.content_type) == (200, "text/plain; charset=utf-8")
        cosigned = services.store_cosignature(
            size=size, answer=answer.body, witness_keys=[cosigner.verifier], now=now
        )
        kept = queries.witnessed_checkpoint(log_signer.name)
        assert kept == cosigned.note
        opened = open_checkpoint(
            kept.encode(), log_keys=[log_signer.verifier], witness_keys=[cosigner.verifier], quorum=1
        )
        assert opened.checkpoint.size == size
        assert opened.cosignatures[0].timestamp == int(now.timestamp())
    assert [each.size for each in queries.witnessed_logs()] == [302]
    assert WitnessedCheckpoint.objects.count() == 4
    assert queries.equivocations() == []


@pytest.mark.django_db
def test_the_same_checkpoint_again_is_cosigned_again(ask: Asker, log_signer: Ed25519NoteSigner) -> None:
    assert ask(offer(log_signer, 0, 5)).status == 200
    assert ask(offer(log_signer, 5, 5)).status == 200
    assert WitnessedCheckpoint.objects.count() == 1


@pytest.mark.django_db
def test_an_empty_ledger_is_cosigned(ask: Asker, log_signer: Ed25519NoteSigner) -> None:
    assert ask(offer(log_signer, 0, 0)).status == 200
    assert ask(offer(log_signer, 0, 3)).status == 200


@pytest.mark.django_db
def test_an_unknown_log_is_not_found(ask: Asker) -> None:
    other = Ed25519NoteSigner("mo.kouan/ledger", Ed25519PrivateKey.generate())
    assert ask(offer(other, 0, 3)).status == 404
    assert not WitnessedLog.objects.exists()
    assert queries.witnessed_checkpoint(other.name) is None


@pytest.mark.django_db
def test_a_checkpoint_not_signed_by_the_log_is_forbidden(ask: Asker, log_signer: Ed25519NoteSigner) -> None:
    impostor = Ed25519NoteSigner(log_signer.name, Ed25519PrivateKey.generate())
    assert ask(offer(impostor, 0, 3)).status == 403
    good = offer(log_signer, 0, 3)
    line = parse_note(good.partition(b"\n\n")[2]).signatures[0]
    spoilt = encode64(line.key_id + bytes(64)).encode()
    assert ask(good.replace(encode64(line.key_id + line.signature).encode(), spoilt)).status == 403
    assert not WitnessedLog.objects.exists()


@pytest.mark.django_db
def test_signatures_of_strangers_are_passed_over_and_not_kept(
    ask: Asker, log_signer: Ed25519NoteSigner
) -> None:
    stranger = f"— someone.else {'AAAA' * 20}\n".encode()
    assert ask(offer(log_signer, 0, 3) + stranger).status == 200
    assert "someone.else" not in (queries.witnessed_checkpoint(log_signer.name) or "")


@pytest.mark.django_db
def test_another_size_than_the_known_is_a_conflict(ask: Asker, log_signer: Ed25519NoteSigner) -> None:
    first = ask(offer(log_signer, 4, 6))
    assert (first.status, first.content_type, first.body) == (409, "text/x.tlog.size", b"0\n")
    ask(offer(log_signer, 0, 6))
    for old, size in ((0, 8), (5, 8), (7, 8), (0, 3), (0, 6)):
        answer = ask(offer(log_signer, old, size))
        assert (answer.status, answer.body) == (409, b"6\n")
        assert answer.conflict_size() == 6
    assert queries.equivocations() == []


@pytest.mark.django_db
def test_an_old_size_beyond_the_checkpoint_is_a_bad_request(
    ask: Asker, log_signer: Ed25519NoteSigner
) -> None:
    ask(offer(log_signer, 0, 6))
    assert ask(offer(log_signer, 6, 5)).status == 400


@pytest.mark.django_db
def test_what_does_not_continue_the_known_is_refused(ask: Asker, log_signer: Ed25519NoteSigner) -> None:
    ask(offer(log_signer, 0, 8))
    assert ask(offer(log_signer, 8, 12, proof=False)).status == 422
    assert ask(offer(log_signer, 8, 12, leaves=OTHERS)).status == 422
    assert ask(offer(log_signer, 8, 12)).status == 200
    kept = queries.witnessed_logs()[0]
    assert (kept.size, kept.root) == (12, merkle.root_of(LEAVES[:12]))
    # Of the two refused offers, the one that was proved since is no longer held against the log.
    assert [bytes(each.root) for each in Equivocation.objects.all()] == [merkle.root_of(OTHERS[:12])]


@pytest.mark.django_db
def test_a_proof_where_none_is_due_is_refused(ask: Asker, log_signer: Ed25519NoteSigner) -> None:
    note = offer(log_signer, 0, 3).partition(b"\n\n")[2].decode()
    extra = [merkle.EMPTY_ROOT]
    assert ask(format_add_checkpoint(0, extra, note)).status == 422
    assert ask(format_add_checkpoint(0, [], note)).status == 200
    assert ask(format_add_checkpoint(3, extra, note)).status == 422


@pytest.mark.django_db
def test_an_empty_tree_with_a_root_is_refused(ask: Asker, log_signer: Ed25519NoteSigner) -> None:
    note = str(Checkpoint(log_signer.name, 0, LEAVES[0]).sign(log_signer))
    assert ask(format_add_checkpoint(0, [], note)).status == 422


@pytest.mark.django_db
def test_two_roots_for_one_size_are_kept_as_evidence(
    ask: Asker, log_signer: Ed25519NoteSigner, now: datetime
) -> None:
    ask(offer(log_signer, 0, 8))
    for _ in range(2):
        assert ask(offer(log_signer, 8, 8, leaves=OTHERS)).status == 422
    [found] = queries.equivocations()
    assert (found.origin, found.finding, found.size, found.at) == (log_signer.name, "same-size", 8, now)
    for note in (found.kept_note, found.offered_note):
        opened = open_checkpoint(note.encode(), log_keys=[log_signer.verifier])
        assert opened.checkpoint.size == 8
    ask(offer(log_signer, 8, 12))
    # An older size with another root is evidence too, although the answer is a conflict.
    assert ask(offer(log_signer, 0, 8, leaves=list(reversed(LEAVES)))).status == 409
    assert len(queries.equivocations()) == 2


@pytest.mark.django_db
def test_a_rewritten_ledger_is_kept_as_evidence(ask: Asker, log_signer: Ed25519NoteSigner) -> None:
    ask(offer(log_signer, 0, 8))
    ask(offer(log_signer, 8, 12, leaves=OTHERS))
    [found] = queries.equivocations()
    assert (found.finding, found.size) == ("inconsistent", 12)
    assert Equivocation.objects.get().root == merkle.root_of(OTHERS[:12])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"old",
        b"old ",
        b"old 01",
        b"old -1",
        b"new 1",
        b"old 0\n!",
        b"old 0\nabcd",
        b"old 0\n\xe9",
        b"old 1" + (b"\n" + b"A" * 43 + b"=") * 64,
    ],
)
def test_a_malformed_request_is_a_bad_request(ask: Asker, log_signer: Ed25519NoteSigner, head: bytes) -> None:
    note = offer(log_signer, 0, 3).partition(b"\n\n")[2]
    assert ask(head + b"\n\n" + note).status == 400
    assert ask(head).status == 400


@pytest.mark.django_db
def test_a_request_with_a_malformed_note_or_too_long_is_a_bad_request(
    ask: Asker, log_signer: Ed25519NoteSigner
) -> None:
    assert ask(b"old 0\n\nno note").status == 400
    assert ask(b"old 0\n\n\n\n").status == 400
    assert ask(b"old 0\n\norigin\n1\n\n" + offer(log_signer, 0, 3).partition(b"\n\n")[2]).status == 400
    assert ask(b"old 0\n\n" + bytes(2 * MAX_NOTE_BYTES)).status == 400


def test_the_specifications_request_reads() -> None:
    # C2SP tlog-witness, "add-checkpoint".
    body = (
        "old 20852014\n"
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
        "\n"
        "example.com/behind-the-sofa\n"
        "20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        "\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1g"
        "GzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267U"
        "Ejw6QUXTS5Rovnzv++qbSzm9Q=\n"
    )
    request = AddCheckpoint.parse(body.encode())
    assert (request.old_size, len(request.proof), request.checkpoint.size) == (20852014, 4, 20852163)
    assert len(request.note.signatures) == 2
    assert format_add_checkpoint(request.old_size, request.proof, str(request.note)).decode() == body


@pytest.mark.parametrize(
    "answer",
    [
        WitnessAnswer(409, "text/plain", b"6\n"),
        WitnessAnswer(409, "text/x.tlog.size", b"6"),
        WitnessAnswer(409, "text/x.tlog.size", b"06\n"),
        WitnessAnswer(409, "text/x.tlog.size", b"\xff\n"),
        WitnessAnswer(409, "text/x.tlog.size", b""),
    ],
)
def test_a_conflict_without_a_size_is_refused(answer: WitnessAnswer) -> None:
    with pytest.raises(MalformedWitnessRequestError):
        answer.conflict_size()


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(KouanError):
        AddCheckpoint.parse(b"old 1\n" + data)
