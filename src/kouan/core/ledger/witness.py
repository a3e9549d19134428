"""The messages of the witness protocol (C2SP tlog-witness), and the rule that a witness follows.

Pure: what a witness remembers comes in as an argument, and what it should remember goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.core.ledger.checkpoint import MAX_PATH, Checkpoint, parse_decimal, parse_hash
from kouan.core.ledger.errors import MalformedWitnessRequestError, ProofError
from kouan.core.ledger.merkle import EMPTY_ROOT, verify_consistency
from kouan.core.ledger.notes import MAX_NOTE_BYTES, Note, SignatureLine, encode64, parse_note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_REQUEST_BYTES: Final = MAX_NOTE_BYTES + 4096
"""A note, and an old size and 63 hashes of 45 bytes before it."""

PLAIN: Final = "text/plain; charset=utf-8"
SIZE: Final = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request to co-sign: the size that the witness should know, the proof from there, the note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """Read a request without trusting it.

        Raises ``MalformedWitnessRequestError``, ``MalformedNoteError`` or ``MalformedCheckpointError``.
        """
        if len(body) > MAX_REQUEST_BYTES:
            raise MalformedWitnessRequestError(
                detail=f"{len(body)} bytes where {MAX_REQUEST_BYTES} are allowed"
            )
        head, _, rest = body.partition(b"\n\n")
        try:
            old_size, proof = _parse_head(head.decode("ascii").split("\n"))
        except ValueError as error:
            raise MalformedWitnessRequestError(detail=str(error)) from None
        note = parse_note(rest)
        return cls(old_size, proof, note, Checkpoint.parse(note.text))


def _parse_head(lines: list[str]) -> tuple[int, tuple[bytes, ...]]:
    """Return the old size and the proof of a request's lines above the note; ``ValueError`` otherwise."""
    old, *proof = lines
    if not old.startswith("old "):
        raise ValueError("the old size line is missing")
    if len(proof) > MAX_PATH:
        raise ValueError(f"more than {MAX_PATH} lines of proof")
    return parse_decimal(old.removeprefix("old ")), tuple(map(parse_hash, proof))


def format_add_checkpoint(old_size: int, proof: Sequence[bytes], note: str) -> bytes:
    """Return the body of an ``add-checkpoint`` request."""
    lines = [f"old {old_size}", *map(encode64, proof)]
    return ("\n".join(lines) + "\n\n" + note).encode()


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What a witness answers over HTTP."""

    status: int
    content_type: str
    body: bytes

    @classmethod
    def cosigned(cls, lines: Iterable[SignatureLine]) -> WitnessAnswer:
        """Answer 200 with the cosignature lines."""
        return cls(200, PLAIN, "".join(map(str, lines)).encode())

    @classmethod
    def conflict(cls, size: int) -> WitnessAnswer:
        """Answer 409 with the size that the witness knows."""
        return cls(409, SIZE, b"%d\n" % size)

    @classmethod
    def refused(cls, status: int, reason: str) -> WitnessAnswer:
        """Answer with an error; the reason is for the log's operator, in English."""
        return cls(status, PLAIN, f"{reason}\n".encode())

    def conflict_size(self) -> int:
        """Return the size in a 409; ``MalformedWitnessRequestError`` if there is none."""
        if self.content_type.partition(";")[0].strip() != SIZE or not self.body.endswith(b"\n"):
            raise MalformedWitnessRequestError(detail="the answer holds no size")
        try:
            return parse_decimal(self.body[:-1].decode("ascii"))
        except ValueError as error:
            raise MalformedWitnessRequestError(detail=str(error)) from None


def check_growth(known_size: int, known_root: bytes, request: AddCheckpoint) -> None:
    """Check that a request's checkpoint continues the tree that the witness knows.

    ``request.old_size`` must be ``known_size``; a size of 0 means that nothing is known. Raises
    ``ProofError``.
    """
    offered = request.checkpoint
    if offered.size == 0 and offered.root != EMPTY_ROOT:
        raise ProofError(detail="the root of an empty tree is another")
    if known_size == 0:
        if request.proof:
            raise ProofError(detail="no proof is needed from the empty tree")
        return
    verify_consistency(known_size, offered.size, known_root, offered.root, request.proof)
