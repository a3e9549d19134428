"""What the receiver asks the sender's door for: some chunks of one file, signed by the receiver's side.

Mutual TLS says only that *some* peer is calling; the signature says which, so a third side that the door
also lets in gets nothing. ``at`` keeps a request from being repeated later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from kouan.core import cbor
from kouan.core.exchange.shapes import MalformedWire

REQUEST_TYPE: Final = "application/kouan-blob-request+cose"
MAX_REQUEST: Final = 1024
MAX_CHUNKS: Final = 8
"""The most chunks in one answer: what a stalled stream can hold up, and what is lost when one breaks."""
_FIELDS: Final = {"v", "from", "to", "blob", "first", "n", "at"}
_LATEST: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class BlobRequest:
    """``count`` chunks of a file, from the chunk ``first`` on; ``at`` in milliseconds since 1970."""

    sender: str
    """Who asks: the file's receiver."""
    receiver: str
    blob: bytes
    first: int
    count: int
    at: int

    def encode(self) -> bytes:
        """Return the deterministic CBOR that is signed."""
        return cbor.encode(
            {
                "v": 1,
                "from": self.sender,
                "to": self.receiver,
                "blob": self.blob,
                "first": self.first,
                "n": self.count,
                "at": self.at,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a request; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
        fields = cbor.decode(data, max_bytes=MAX_REQUEST, max_depth=2)
        if not isinstance(fields, dict) or set(fields) != _FIELDS:
            raise MalformedWire(what="request", detail="its fields")
        match fields:
            case {
                "v": 1,
                "from": str() as sender,
                "to": str() as receiver,
                "blob": bytes() as blob,
                "first": int() as first,
                "n": int() as count,
                "at": int() as at,
            } if len(blob) == 16 and all(  # noqa: PLR2004 - an id's bytes
                type(number) is int and 0 <= number <= _LATEST for number in (first, count, at)
            ):
                return cls(sender, receiver, blob, first, count, at)
        raise MalformedWire(what="request", detail="a field's form")
