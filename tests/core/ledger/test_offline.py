"""What `kouan verify` stands on: evidence checked with nothing but keys, and every flipped bit found."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.errors import KouanError
from kouan.core.ledger import merkle
from kouan.core.ledger.checkpoint import Checkpoint, LedgerProof
from kouan.core.ledger.errors import (
    MalformedCheckpointError,
    NotCosignedError,
    NoteSignatureError,
    ProofError,
    UntrustedNoteError,
    WrongLogError,
)
from kouan.core.ledger.notes import Ed25519Cosigner, Ed25519NoteSigner, cosign_note
from kouan.core.ledger.offline import EntryFinding, verify_continuation, verify_entry, verify_proof

SALT, BODY, INDEX, SIZE = b"0123456789abcdef", b"a receipt", 5, 11
TIME = 1_790_000_000
LOG = Ed25519NoteSigner("hk.kouan/ledger", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
WITNESS = Ed25519Cosigner("gd.kouan/witness", Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64))))
LEAVES = [merkle.leaf_hash(bytes([at])) for at in range(SIZE)]
LEAVES[INDEX] = merkle.entry_hash(SALT, BODY)


@dataclass
class Evidence:
    salt: bytes = SALT
    body: bytes = BODY
    index: int = INDEX
    path: tuple[bytes, ...] = tuple(merkle.batch_tree(LEAVES).paths[INDEX])
    note: bytes = b""

    def __post_init__(self) -> None:
        self.note = self.note or note(SIZE)

    def verify(self, **changes: object) -> EntryFinding:
        return verify_entry(
            salt=self.salt,
            body=self.body,
            index=self.index,
            path=self.path,
            checkpoint_note=self.note,
            **{"log_keys": [LOG.verifier], "witness_keys": [WITNESS.verifier], **changes},
        )


def note(size: int, *, leaves: list[bytes] = LEAVES, cosigned: bool = True) -> bytes:
    checkpoint = Checkpoint(LOG.name, size, merkle.root_of(leaves[:size]))
    line = str(cosign_note(checkpoint.text(), WITNESS, TIME)) if cosigned else ""
    return f"{checkpoint.sign(LOG)}{line}".encode()


def test_good_evidence_says_what_it_establishes() -> None:
    found = Evidence().verify()
    assert (found.origin, found.index, found.size) == ("hk.kouan/ledger", INDEX, SIZE)
    assert (found.leaf_hash, found.root) == (LEAVES[INDEX], merkle.root_of(LEAVES))
    assert [(each.name, each.at) for each in found.witnesses] == [
        ("gd.kouan/witness", datetime.fromtimestamp(TIME, UTC))
    ]


def test_a_kept_proof_says_the_same() -> None:
    evidence = Evidence()
    kept = LedgerProof.parse(LedgerProof(INDEX, evidence.path, evidence.note.decode()).text().encode())
    found = verify_proof(kept, salt=SALT, body=BODY, log_keys=[LOG.verifier], witness_keys=[WITNESS.verifier])
    assert found == evidence.verify()


def test_each_wrong_part_has_its_own_finding() -> None:
    with pytest.raises(ProofError, match="another root"):
        Evidence(body=b"another receipt").verify()
    with pytest.raises(ProofError, match="salt"):
        Evidence(salt=SALT + BODY[:1], body=BODY[1:]).verify()
    with pytest.raises(ProofError, match="no entry 11"):
        Evidence(index=SIZE).verify()
    with pytest.raises(ProofError, match="too short"):
        Evidence(path=()).verify()
    with pytest.raises(NotCosignedError):
        Evidence(note=note(SIZE, cosigned=False)).verify()
    with pytest.raises(NotCosignedError):
        Evidence().verify(witness_keys=[])
    with pytest.raises(UntrustedNoteError):
        Evidence().verify(log_keys=[])
    with pytest.raises(WrongLogError):
        Evidence().verify(log_keys=[Ed25519NoteSigner("mo", Ed25519PrivateKey.generate()).verifier])
    with pytest.raises(NoteSignatureError, match=r"hk\.kouan/ledger"):
        Evidence(note=note(SIZE).replace(b"\n11\n", b"\n12\n")).verify()


def test_a_key_changed_since_still_verifies_what_it_signed() -> None:
    newer = Ed25519NoteSigner(LOG.name, Ed25519PrivateKey.generate())
    assert Evidence().verify(log_keys=[newer.verifier, LOG.verifier]).size == SIZE


@given(st.data())
def test_every_flipped_bit_is_found(data: st.DataObject) -> None:
    evidence = Evidence()
    part = data.draw(st.sampled_from(["salt", "body", "path", "note"]))
    whole = b"".join(evidence.path) if part == "path" else getattr(evidence, part)
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8
    value: object = bytes(changed)
    if part == "path":
        value = tuple(bytes(changed[at : at + 32]) for at in range(0, len(changed), 32))
    setattr(evidence, part, value)
    with pytest.raises(KouanError):
        evidence.verify()


def test_a_continuation_is_shown_and_a_rewriting_found() -> None:
    def node(level: int, index: int) -> bytes:
        return merkle.root_of(LEAVES[index << level : (index + 1) << level])

    path = merkle.consistency_path(node, 4, SIZE)
    old, new = verify_continuation(note(4), note(SIZE), path, log_keys=[LOG.verifier])
    assert (old.checkpoint.size, new.checkpoint.size) == (4, SIZE)
    verify_continuation(note(0), note(SIZE), [], log_keys=[LOG.verifier])
    rewritten = note(4, leaves=LEAVES[::-1])
    with pytest.raises(ProofError):
        verify_continuation(rewritten, note(SIZE), path, log_keys=[LOG.verifier])
    other = Ed25519NoteSigner("mo.kouan/ledger", Ed25519PrivateKey.generate())
    foreign = str(Checkpoint(other.name, 4, merkle.EMPTY_ROOT).sign(other)).encode()
    with pytest.raises(MalformedCheckpointError, match="two ledgers"):
        verify_continuation(foreign, note(SIZE), path, log_keys=[LOG.verifier, other.verifier])


def test_checking_needs_neither_settings_nor_a_database() -> None:
    program = "import sys, kouan.core.ledger.offline; sys.exit('django.db' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], env={}, check=True, timeout=120)
