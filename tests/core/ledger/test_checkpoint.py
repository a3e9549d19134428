"""Checkpoints and kept proofs."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.errors import KouanError
from kouan.core.ledger.checkpoint import MAX_SIZE, Checkpoint, LedgerProof, open_checkpoint
from kouan.core.ledger.errors import (
    LedgerRangeError,
    MalformedCheckpointError,
    MalformedNoteError,
    MalformedProofError,
    NotCosignedError,
    UntrustedNoteError,
    WrongLogError,
)
from kouan.core.ledger.merkle import EMPTY_ROOT
from kouan.core.ledger.notes import (
    Ed25519Cosigner,
    Ed25519NoteSigner,
    SignatureType,
    VerifierKey,
    cosign_note,
)

# C2SP tlog-checkpoint's example.
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
HASH = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
NOTE = f"{TEXT}\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq8=\n"


def test_the_specifications_example_reads_and_writes_the_same() -> None:
    checkpoint = Checkpoint.parse(TEXT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == TEXT
    extended = Checkpoint.parse(f"{TEXT}more\nand more\n")
    assert extended.extensions == ("more", "and more")
    assert extended.text() == f"{TEXT}more\nand more\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "origin\n1\n",
        TEXT[:-1],
        f"{TEXT}\n",
        f"{TEXT}\nextension\n",
        f"\n1\n{HASH}\n",
        f"origin\n01\n{HASH}\n",
        f"origin\n-1\n{HASH}\n",
        f"origin\n+1\n{HASH}\n",
        f"origin\n1 \n{HASH}\n",
        f"origin\n1_000\n{HASH}\n",
        f"origin\n١\n{HASH}\n",
        f"origin\n{MAX_SIZE + 1}\n{HASH}\n",
        f"origin\n{'9' * 5000}\n{HASH}\n",
        f"origin\n1\n{HASH[:-1]}\n",
        f"origin\n1\n{HASH[4:]}\n",
        f"origin\n1\n{HASH.replace('q2I=', 'q2J=')}\n",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedCheckpointError):
        Checkpoint.parse(text)


def test_the_largest_size_is_read() -> None:
    assert Checkpoint.parse(f"origin\n{MAX_SIZE}\n{HASH}\n").size == MAX_SIZE


def test_a_checkpoint_is_opened_with_its_cosignature(
    log_signer: Ed25519NoteSigner, cosigner: Ed25519Cosigner
) -> None:
    checkpoint = Checkpoint(log_signer.name, 0, EMPTY_ROOT)
    note = str(checkpoint.sign(log_signer))
    cosigned = f"{note}{cosign_note(checkpoint.text(), cosigner, 1_700_000_000)}".encode()

    opened = open_checkpoint(
        cosigned, log_keys=[log_signer.verifier], witness_keys=[cosigner.verifier], quorum=1
    )
    assert opened.checkpoint == checkpoint
    assert [each.timestamp for each in opened.cosignatures] == [1_700_000_000]

    assert open_checkpoint(note.encode(), log_keys=[log_signer.verifier]).cosignatures == ()
    with pytest.raises(NotCosignedError, match="0 of the 1"):
        open_checkpoint(
            note.encode(), log_keys=[log_signer.verifier], witness_keys=[cosigner.verifier], quorum=1
        )


def test_a_checkpoint_of_another_log_or_key_is_refused(log_signer: Ed25519NoteSigner) -> None:
    data = str(Checkpoint(log_signer.name, 0, EMPTY_ROOT).sign(log_signer)).encode()
    elsewhere = Ed25519NoteSigner("mo.kouan/ledger", Ed25519PrivateKey.generate())
    impostor = Ed25519NoteSigner(log_signer.name, Ed25519PrivateKey.generate())
    with pytest.raises(WrongLogError, match=r"hk\.kouan/ledger"):
        open_checkpoint(data, log_keys=[elsewhere.verifier])
    with pytest.raises(UntrustedNoteError):
        open_checkpoint(data, log_keys=[impostor.verifier])
    with pytest.raises(UntrustedNoteError):
        open_checkpoint(data, log_keys=[])


def test_two_keys_of_one_witness_are_not_a_quorum_of_two(log_signer: Ed25519NoteSigner) -> None:
    checkpoint = Checkpoint(log_signer.name, 0, EMPTY_ROOT)
    both = [Ed25519Cosigner("gd.kouan/witness", Ed25519PrivateKey.generate()) for _ in range(2)]
    lines = "".join(str(cosign_note(checkpoint.text(), each, 1)) for each in both)
    with pytest.raises(NotCosignedError):
        open_checkpoint(
            f"{checkpoint.sign(log_signer)}{lines}".encode(),
            log_keys=[log_signer.verifier],
            witness_keys=[each.verifier for each in both],
            quorum=2,
        )


@pytest.mark.parametrize("extra", [b"", b"salt"])
@pytest.mark.parametrize("length", [0, 3, 63])
def test_a_proof_reads_and_writes_the_same(extra: bytes, length: int) -> None:
    proof = LedgerProof(7, (EMPTY_ROOT,) * length, NOTE, extra)
    assert LedgerProof.parse(proof.text().encode()) == proof


@pytest.mark.parametrize(
    "head",
    [
        "",
        "c2sp.org/tlog-proof@v2\nindex 1",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v1\nextra \nindex 1",
        "c2sp.org/tlog-proof@v1\nextra !\nindex 1",
        "c2sp.org/tlog-proof@v1\nindex 01",
        "c2sp.org/tlog-proof@v1\nindex 1\nabcd",
        "c2sp.org/tlog-proof@v1\nindex 1\né",
        "c2sp.org/tlog-proof@v1\nindex 1" + f"\n{HASH}" * 64,
    ],
)
def test_what_is_not_a_proof_is_refused(head: str) -> None:
    with pytest.raises(MalformedProofError):
        LedgerProof.parse(f"{head}\n\n{NOTE}".encode())


def test_a_proof_without_a_note_or_too_long_is_refused() -> None:
    with pytest.raises(MalformedNoteError):
        LedgerProof.parse(b"c2sp.org/tlog-proof@v1\nindex 1\n")
    with pytest.raises(MalformedProofError):
        LedgerProof.parse(bytes(300_000))
    with pytest.raises(LedgerRangeError):
        LedgerProof(-1, (), NOTE)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(KouanError):
        LedgerProof.parse(b"c2sp.org/tlog-proof@v1\nindex 1\n" + data)
    key = VerifierKey("hk.kouan/ledger", SignatureType.ED25519, bytes(32))
    with pytest.raises(KouanError):
        open_checkpoint(data, log_keys=[key])
