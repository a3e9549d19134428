"""The evidence bundle's format: everything needed to prove a message, in one file.

A bundle is the CBOR map ``{"kouan": "evidence/1", "contents": …, "parts": {name: bytes}}``. The
contents are a COSE_Sign1 by the side that made the bundle, over the SHA-256 of every part; the parts
speak for themselves, each with the signatures it came with:

- ``trust/SIDE``: a side's trust document as this node imported it (or its own);
- ``agreement/ID``: the deterministic CBOR of the agreement that a message relies on, or the canonical JSON of
  the contract;
- ``N/statement``, ``N/receipt``: the sender's and the receiver's COSE_Sign1 over message N's batch;
- ``N/header``, ``N/sealed``, ``N/body``: the message's header, the SHA-256 of its sealed body, its body;
- ``N/path``: its inclusion proof in the batch, 32 bytes a step from the leaf upwards;
- ``N/ledger``: its place in the maker's ledger, with the co-signed checkpoint (C2SP tlog-proof);
- ``N/entry``: the ledger's record of it, ``[salt, record]``.

These came later, and a bundle without them is as good:

- ``N/stamp``: ``[token, [certificate, …]]``, the RFC 3161 token over the SHA-256 of that checkpoint as its
  log alone signed it, and the certificates from the authority's own to its root;
- ``witness/NAME``: the verifier key of a witness that is no side and co-signed that checkpoint;
- ``declaration/TYPE.VERSION``: what the maker's node declares of the message's type: title, purpose, basis.

Of a message that was refused at the door of the side that made the bundle, the content was not kept: its
``N/body`` is left out. So it is where the maker has erased what it had (``N/erased`` then says so), and where
the bundle is for somebody who may not read it (``N/withheld``).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from kouan.core import cbor
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = "evidence/1"
CONTENTS_TYPE: Final = "application/kouan-evidence+cose"
MAX_BUNDLE: Final = 8 << 20
MAX_CONTENTS: Final = 256 * 1024
MAX_PARTS: Final = 6000
"""More parts than a table of contents of ``MAX_CONTENTS`` bytes can name."""
HASH: Final = 32
DECLARED: Final = frozenset({"title", "purpose", "purpose_code", "legal_basis"})
"""What a declaration says beside its type and version; the first two in all three scripts."""
MESSAGE_PARTS: Final = frozenset({
    "body", "entry", "erased", "header", "ledger", "path", "receipt", "sealed", "stamp", "statement",
    "withheld",
})  # fmt: skip
"""What the parts of one message are called, after its number."""


class MalformedBundle(KouanError):
    """A file that is not an evidence bundle, or whose outer frame was damaged."""

    code = "malformed-bundle"
    message = _("This is not an evidence bundle, or its outer frame was damaged: %(detail)s.")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle taken apart, with nothing verified."""

    contents: bytes
    parts: Mapping[str, bytes]

    def encode(self) -> bytes:
        """Return the file's bytes."""
        return cbor.encode({"kouan": FORMAT, "contents": self.contents, "parts": dict(self.parts)})

    @classmethod
    def decode(cls, data: bytes) -> Bundle:
        """Take a file apart; raises ``MalformedBundle``."""
        try:
            value = cbor.decode(data, max_bytes=MAX_BUNDLE, max_depth=3)
        except cbor.NotDeterministicCBOR as error:
            raise MalformedBundle(detail=str(error.params["detail"])) from None
        match value:
            case {
                "kouan": "evidence/1",
                "contents": bytes() as contents,
                "parts": dict() as parts,
                **more,
            } if not more:
                pass
            case _:
                raise MalformedBundle(detail="its keys")
        if len(parts) > MAX_PARTS:
            raise MalformedBundle(detail="too many parts")
        if not all(isinstance(name, str) and isinstance(part, bytes) for name, part in parts.items()):
            raise MalformedBundle(detail="its parts")
        return cls(contents, parts)


def stamped_note(note: str) -> bytes:
    """Return a checkpoint's note with the log's own signatures alone: the first of them, or the first two.

    They stand under the log's name, which is the first line, and before all others.
    """
    text, _parted, lines = note.rpartition("\n\n")
    own = f"— {text.partition(chr(10))[0]} "
    first, *others = lines.splitlines(keepends=True)
    return (
        f"{text}\n\n{first}{''.join(itertools.takewhile(lambda line: line.startswith(own), others))}".encode()
    )


def decode_stamp(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return a time-stamp part's token and certificates; raises ``MalformedBundle``."""
    try:
        value = cbor.decode(data, max_bytes=MAX_CONTENTS, max_depth=2)
    except cbor.NotDeterministicCBOR as error:
        raise MalformedBundle(detail=str(error.params["detail"])) from None
    match value:
        case [bytes() as token, [_, *_] as items]:
            chain = [each for each in items if isinstance(each, bytes)]
            if len(chain) == len(items):
                return token, chain
    raise MalformedBundle(detail="its time-stamp")


def encode_contents(*, side: str, made: int, digests: Mapping[str, bytes]) -> bytes:
    """Return the payload that the maker signs: who, when, and the SHA-256 of each part."""
    return cbor.encode({"by": side, "made": made, "parts": dict(digests)})


def decode_contents(data: bytes) -> tuple[str, int, dict[str, bytes]]:
    """Return maker, time (ms) and digests; raises ``MalformedBundle``."""
    try:
        value = cbor.decode(data, max_bytes=MAX_CONTENTS, max_depth=3)
    except cbor.NotDeterministicCBOR as error:
        raise MalformedBundle(detail=str(error.params["detail"])) from None
    match value:
        case {"by": str() as side, "made": int() as made, "parts": dict() as digests, **more} if not more:
            pass
        case _:
            raise MalformedBundle(detail="its table of contents")
    if not all(isinstance(name, str) and isinstance(digest, bytes) for name, digest in digests.items()):
        raise MalformedBundle(detail="its table of contents")
    return side, made, digests
