"""Checkpoints (C2SP tlog-checkpoint): a ledger's size and root at one moment, in a signed note."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.core.ledger.errors import (
    LedgerRangeError,
    MalformedCheckpointError,
    MalformedProofError,
    NotCosignedError,
    WrongLogError,
)
from kouan.core.ledger.merkle import HASH_BYTES
from kouan.core.ledger.notes import (
    MAX_NOTE_BYTES,
    Note,
    NoteSigner,
    Verified,
    VerifierKey,
    decode64,
    encode64,
    parse_note,
    sign_note,
    verify_note,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_SIZE: Final = 2**63 - 1
"""The largest tree: what a database's integer holds."""

MAX_PATH: Final = 63
"""The longest Merkle path of a tree of that size (also the bound of C2SP tlog-witness)."""

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_BODY_LINES: Final = 3
_PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree's size and root, and whose tree it is."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the note text, ending in a newline."""
        return "".join(
            f"{line}\n" for line in (self.origin, self.size, encode64(self.root), *self.extensions)
        )

    def sign(self, *signers: NoteSigner) -> Note:
        """Return the checkpoint as a note signed by its log, with one key or with two."""
        return sign_note(self.text(), *signers)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text; raises ``MalformedCheckpointError``."""
        lines = text.split("\n")
        if lines.pop() or len(lines) < _BODY_LINES or not all(lines):
            raise MalformedCheckpointError(detail="it needs three lines or more, none of them empty")
        origin, size, root, *extensions = lines
        try:
            return cls(origin, parse_decimal(size), parse_hash(root), tuple(extensions))
        except ValueError as error:
            raise MalformedCheckpointError(detail=str(error)) from None


@dataclass(frozen=True, slots=True)
class OpenedCheckpoint:
    """A checkpoint whose log's signature was checked, and the cosignatures that were."""

    checkpoint: Checkpoint
    signature: Verified
    cosignatures: tuple[Verified, ...]


def open_checkpoint(
    data: bytes, *, log_keys: Iterable[VerifierKey], witness_keys: Sequence[VerifierKey] = (), quorum: int = 0
) -> OpenedCheckpoint:
    """Read and check a checkpoint note.

    One of ``log_keys`` must have signed it, and at least ``quorum`` of ``witness_keys`` co-signed it.
    Raises ``MalformedNoteError``, ``MalformedCheckpointError``, ``WrongLogError`` (the origin is not
    the log key's name), ``UntrustedNoteError``, ``NoteSignatureError`` or ``NotCosignedError``.
    """
    note = parse_note(data)
    checkpoint = Checkpoint.parse(note.text)
    keys = list(log_keys)
    of_this_log = [key for key in keys if key.name == checkpoint.origin]
    if keys and not of_this_log:
        raise WrongLogError(origin=checkpoint.origin, expected=keys[0].name)
    signature = verify_note(note, of_this_log)[0]
    names = {(key.name, key.key_id) for key in witness_keys}
    present = any((line.name, line.key_id) in names for line in note.signatures)
    cosignatures = verify_note(note, witness_keys) if present else []
    # A witness that has changed its key is still one witness.
    found = len({each.key.name for each in cosignatures})
    if found < quorum:
        raise NotCosignedError(found=found, required=quorum)
    return OpenedCheckpoint(checkpoint, signature, tuple(cosignatures))


@dataclass(frozen=True, slots=True)
class LedgerProof:
    """An entry's place under a checkpoint (C2SP tlog-proof): small, offline, for keeping."""

    index: int
    path: tuple[bytes, ...]
    note: str
    """The checkpoint with its signatures."""
    extra: bytes = b""
    """Opaque and unsigned."""

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_SIZE:
            raise LedgerRangeError(asked=self.index, size=MAX_SIZE)

    def text(self) -> str:
        """Return the proof as text, ending in the checkpoint."""
        extra = [f"extra {encode64(self.extra)}"] if self.extra else []
        lines = [_PROOF_HEADER, *extra, f"index {self.index}", *map(encode64, self.path)]
        return "\n".join(lines) + "\n\n" + self.note

    @classmethod
    def parse(cls, data: bytes) -> LedgerProof:
        """Read a proof without trusting it; raises ``MalformedProofError`` or ``MalformedNoteError``."""
        if len(data) > 2 * MAX_NOTE_BYTES:
            raise MalformedProofError(detail=f"{len(data)} bytes where {2 * MAX_NOTE_BYTES} are allowed")
        head, _, note = data.partition(b"\n\n")
        parse_note(note)
        try:
            index, path, extra = _parse_proof_lines(head.decode("ascii").split("\n"))
        except ValueError as error:
            raise MalformedProofError(detail=str(error)) from None
        return cls(index, path, note.decode(), extra)


def _parse_proof_lines(lines: list[str]) -> tuple[int, tuple[bytes, ...], bytes]:
    """Return index, path and extra data of a proof's lines above the note; ``ValueError`` otherwise."""
    header, *lines = lines
    if header != _PROOF_HEADER:
        raise ValueError("the first line is another")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = decode64(lines.pop(0).removeprefix("extra "))
        if not extra:
            raise ValueError("the extra line is empty")
    if not lines or not lines[0].startswith("index "):
        raise ValueError("the index line is missing")
    index, *path = lines
    if len(path) > MAX_PATH:
        raise ValueError("the path is too long")
    return parse_decimal(index.removeprefix("index ")), tuple(map(parse_hash, path)), extra


def parse_decimal(text: str) -> int:
    """Return a size or index written without sign or leading zeros; ``ValueError`` otherwise."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise ValueError("a number is not in plain decimal form")
    return int(text)


def parse_hash(text: str) -> bytes:
    """Return the 32 bytes of a base64 line; ``ValueError`` otherwise."""
    data = decode64(text)
    if len(data) != HASH_BYTES:
        raise ValueError("a hash is not 32 bytes long")
    return data
