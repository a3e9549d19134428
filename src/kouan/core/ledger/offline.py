"""Checks of the ledger's evidence that need no network, no database and no settings.

What comes back is what was established; what is wrong is raised, as the first error that names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kouan.core.ledger.checkpoint import LedgerProof, OpenedCheckpoint, open_checkpoint
from kouan.core.ledger.errors import MalformedCheckpointError, ProofError
from kouan.core.ledger.merkle import SALT_BYTES, entry_hash, verify_consistency, verify_inclusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.core.ledger.notes import VerifierKey


@dataclass(frozen=True, slots=True)
class WitnessFinding:
    """A cosignature that holds."""

    name: str
    at: datetime
    """The time that the witness signed, in UTC."""


@dataclass(frozen=True, slots=True)
class EntryFinding:
    """What a proof establishes about an entry."""

    origin: str
    index: int
    leaf_hash: bytes
    size: int
    root: bytes
    witnesses: tuple[WitnessFinding, ...]


def verify_entry(  # noqa: PLR0913 - the parts of the evidence, each by its name
    *,
    salt: bytes,
    body: bytes,
    index: int,
    path: Sequence[bytes],
    checkpoint_note: bytes,
    log_keys: Sequence[VerifierKey],
    witness_keys: Sequence[VerifierKey],
    quorum: int = 1,
) -> EntryFinding:
    """Check that ``body`` stands at ``index`` of a ledger whose checkpoint is signed and co-signed.

    ``salt`` is 16 bytes, ``path`` the inclusion path from the leaf's sibling upwards,
    ``checkpoint_note`` the signed note. One of ``log_keys`` must have signed it, and at least
    ``quorum`` of ``witness_keys`` co-signed it; more than one key of a side stands for keys changed
    over the years. Raises the error of the first check that fails: ``MalformedNoteError``,
    ``MalformedCheckpointError``, ``WrongLogError``, ``UntrustedNoteError``, ``NoteSignatureError``,
    ``NotCosignedError`` or ``ProofError``.
    """
    if len(salt) != SALT_BYTES:
        raise ProofError(detail=f"the salt has {len(salt)} bytes where {SALT_BYTES} are expected")
    opened = open_checkpoint(checkpoint_note, log_keys=log_keys, witness_keys=witness_keys, quorum=quorum)
    leaf = entry_hash(salt, body)
    verify_inclusion(leaf, index, opened.checkpoint.size, path, opened.checkpoint.root)
    return EntryFinding(
        origin=opened.checkpoint.origin,
        index=index,
        leaf_hash=leaf,
        size=opened.checkpoint.size,
        root=opened.checkpoint.root,
        witnesses=witness_findings(opened),
    )


def verify_proof(  # noqa: PLR0913 - as above
    proof: LedgerProof,
    *,
    salt: bytes,
    body: bytes,
    log_keys: Sequence[VerifierKey],
    witness_keys: Sequence[VerifierKey],
    quorum: int = 1,
) -> EntryFinding:
    """Check a kept proof of an entry; see ``verify_entry``."""
    return verify_entry(
        salt=salt,
        body=body,
        index=proof.index,
        path=proof.path,
        checkpoint_note=proof.note.encode(),
        log_keys=log_keys,
        witness_keys=witness_keys,
        quorum=quorum,
    )


def verify_continuation(
    older: bytes, newer: bytes, path: Sequence[bytes], *, log_keys: Sequence[VerifierKey]
) -> tuple[OpenedCheckpoint, OpenedCheckpoint]:
    """Check that a checkpoint continues an older one of the same ledger: nothing was rewritten.

    Raises as ``verify_entry`` does.
    """
    old, new = (open_checkpoint(note, log_keys=log_keys) for note in (older, newer))
    if old.checkpoint.origin != new.checkpoint.origin:
        raise MalformedCheckpointError(detail="the two checkpoints are of two ledgers")
    if old.checkpoint.size or path:
        verify_consistency(
            old.checkpoint.size, new.checkpoint.size, old.checkpoint.root, new.checkpoint.root, path
        )
    return old, new


def witness_findings(opened: OpenedCheckpoint) -> tuple[WitnessFinding, ...]:
    """Return who co-signed an opened checkpoint, and when."""
    return tuple(
        WitnessFinding(each.key.name, datetime.fromtimestamp(each.timestamp, UTC))
        for each in opened.cosignatures
        if each.timestamp is not None
    )
