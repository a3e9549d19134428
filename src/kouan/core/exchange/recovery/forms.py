"""What nodes say to each other about where they stand: three signed forms and one answer. Pure.

A *standing* carries the receiver's own newest signatures, which prove to it what it must not have
forgotten. An *agreement* is one operator's word to begin the streams anew from stated positions. A
*recall* asks for what the other side holds of the asker's messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kouan.core import cbor
from kouan.core.exchange import wire
from kouan.core.exchange.shapes import MalformedWire
from kouan.core.exchange.wire import digest
from kouan.core.ledger.merkle import HASH_BYTES, split_hashes
from kouan.core.trust import cose

if TYPE_CHECKING:
    from kouan.core.trust.keys import Signer

VERSION: Final = 1
STANDING_TYPE: Final = "application/kouan-standing+cose"
AGREEMENT_TYPE: Final = "application/kouan-resync+cose"
RECALL_TYPE: Final = "application/kouan-recall+cose"
MAX_STANDING: Final = 512 * 1024
"""A note, a statement and a receipt at their longest, and their frames."""
MAX_AGREEMENT: Final = 4096
MAX_HELLO: Final = MAX_STANDING + MAX_AGREEMENT + 64
MAX_KNOWN: Final = 64
MAX_RECALL: Final = 4096
MAX_RECALLED: Final = wire.MAX_BATCH_BYTES + wire.MAX_STATEMENT + wire.MAX_RECEIPT + (2 << 20)
_LARGEST: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands: a number, and the hash that tells which history led to it.

    Of a stream the number of its last message and the SHA-256 of its last signed statement (zeros if there
    was none); of a ledger its size and root.
    """

    number: int
    mark: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the sender stands with the receiver, proved by the receiver's own signatures."""

    sender: str
    receiver: str
    at: int
    halted: str | None
    """Why the sender has halted the channel, if it has."""
    witnessing: int
    """Which of the receiver's ledgers the sender co-signs."""
    seen: str | None
    """The newest checkpoint of the receiver's ledger that the sender co-signed."""
    took: bytes | None
    """The newest signed statement of the receiver whose batch the sender accepted."""
    gave: bytes | None
    """The newest receipt of the receiver that the sender holds."""

    def sign(self, signer: Signer) -> bytes:
        """Return it signed."""
        payload = {
            "v": VERSION,
            "from": self.sender,
            "to": self.receiver,
            "at": self.at,
            "halted": self.halted,
            "wit": self.witnessing,
            "seen": self.seen,
            "took": self.took,
            "gave": self.gave,
        }
        return cose.sign1(cbor.encode(payload), signer, content_type=STANDING_TYPE)

    @classmethod
    def decode(cls, data: bytes) -> Standing:
        """Read a standing's payload; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
        value = _map(
            data,
            MAX_STANDING,
            "standing",
            {"halted": (str, type(None)), "wit": int, "seen": (str, type(None))}
            | dict.fromkeys(("took", "gave"), (bytes, type(None))),
        )
        _require(0 < value["wit"] < 1 << 31, "standing", "ledger")
        return cls(
            value["from"],
            value["to"],
            value["at"],
            value["halted"],
            value["wit"],
            value["seen"],
            value["took"],
            value["gave"],
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """One side's word to begin both streams anew, from where it stands while it is halted."""

    sender: str
    receiver: str
    at: int
    out: Position
    """Where the sender's stream to the receiver stands."""
    inn: Position
    """What the sender has accepted of the receiver's stream."""
    epoch: int
    """Under which of its ledgers the sender goes on."""
    base: Position | None
    """The newest checkpoint of the sender's ledger that it holds and the receiver co-signed."""

    def sign(self, signer: Signer) -> bytes:
        """Return it signed."""
        payload = {
            "v": VERSION,
            "from": self.sender,
            "to": self.receiver,
            "at": self.at,
            "out": [self.out.number, self.out.mark],
            "in": [self.inn.number, self.inn.mark],
            "log": self.epoch,
            "base": None if self.base is None else [self.base.number, self.base.mark],
        }
        return cose.sign1(cbor.encode(payload), signer, content_type=AGREEMENT_TYPE)

    @classmethod
    def decode(cls, data: bytes) -> Agreement:
        """Read an agreement's payload; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
        value = _map(
            data,
            MAX_AGREEMENT,
            "agreement",
            {"out": list, "in": list, "log": int, "base": (list, type(None))},
        )
        _require(0 < value["log"] < 1 << 31, "agreement", "ledger")
        return cls(
            value["from"],
            value["to"],
            value["at"],
            _position(value["out"]),
            _position(value["in"]),
            value["log"],
            None if value["base"] is None else _position(value["base"]),
        )

    @classmethod
    def read(cls, signed: bytes) -> Agreement:
        """Read a signed agreement whose signature was verified before it was stored."""
        return cls.decode(cose.read1(signed, content_type=AGREEMENT_TYPE, max_bytes=MAX_AGREEMENT).payload)


def resync_digest(one: bytes, other: bytes) -> bytes:
    """Return what both signed agreements come to: what the first batch of each new stream follows."""
    return digest(cbor.encode(sorted((one, other))))


@dataclass(frozen=True, slots=True)
class Recall:
    """A question for the batches of the sender's that the receiver holds, after a given one."""

    sender: str
    receiver: str
    at: int
    after: tuple[bytes, ...]
    """SHA-256 of signed statements that the sender knows, the newest first: the first of them that the
    receiver knows as well is where it begins."""

    def sign(self, signer: Signer) -> bytes:
        """Return it signed."""
        payload = {
            "v": VERSION,
            "from": self.sender,
            "to": self.receiver,
            "at": self.at,
            "after": list(self.after),
        }
        return cose.sign1(cbor.encode(payload), signer, content_type=RECALL_TYPE)

    @classmethod
    def decode(cls, data: bytes) -> Recall:
        """Read a recall's payload; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
        value = _map(data, MAX_RECALL, "recall", {"after": list})
        known = value["after"]
        _require(
            len(known) <= MAX_KNOWN and all(type(one) is bytes and len(one) == 32 for one in known),  # noqa: PLR2004 - SHA-256
            "recall",
            "what is known",
        )
        return cls(value["from"], value["to"], value["at"], tuple(known))


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message as the receiver keeps it: what it was, and what became of it."""

    header: bytes
    sealed: bytes
    """SHA-256 of the sealed body."""
    body: bytes | None
    """The opened body, unless the receiver refused the message or has erased it."""
    state: str
    code: str


@dataclass(frozen=True, slots=True)
class HeldBatch:
    """A batch that the receiver accepted: the sender's statement and its own receipt prove it."""

    statement: bytes
    receipt: bytes
    leaves: tuple[bytes, ...]
    """The hashes of all its messages, in order: those too of which the receiver keeps no row."""
    messages: tuple[HeldMessage, ...]


def encode_held(batch: HeldBatch | None) -> bytes:
    """Return the answer to a recall: the next batch, or nothing."""
    if batch is None:
        return cbor.encode([])
    rows = [[each.header, each.sealed, each.body, each.state, each.code] for each in batch.messages]
    return cbor.encode([batch.statement, batch.receipt, b"".join(batch.leaves), rows])


def decode_held(data: bytes) -> HeldBatch | None:
    """Read the answer to a recall; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
    match cbor.decode(data, max_bytes=MAX_RECALLED, max_depth=4):
        case []:
            return None
        case [bytes() as statement, bytes() as receipt, bytes() as leaves, list() as rows] if (
            len(rows) <= wire.MAX_MESSAGES and len(leaves) <= wire.MAX_MESSAGES * HASH_BYTES
        ):
            hashes = split_hashes(leaves)
            return HeldBatch(statement, receipt, tuple(hashes), tuple(_held(row) for row in rows))
        case _:
            raise MalformedWire(what="recalled batch", detail="its parts")


def _held(row: Any) -> HeldMessage:
    match row:
        case [bytes() as header, bytes() as sealed, None | bytes() as body, str() as state, str() as code]:
            return HeldMessage(header, sealed, body, state, code)
        case _:
            raise MalformedWire(what="recalled batch", detail="a message")


def encode_hello(standing: bytes, agreement: bytes) -> bytes:
    """Return a hello, or its answer: a signed standing, and a signed agreement if there is one."""
    return cbor.encode([standing, agreement or None])


def decode_hello(data: bytes) -> tuple[bytes, bytes]:
    """Read a hello; the second part is empty without an agreement. Raises ``MalformedWire``."""
    match cbor.decode(data, max_bytes=MAX_HELLO, max_depth=2):
        case [bytes() as standing, None | bytes() as agreement]:
            return standing, agreement or b""
        case _:
            raise MalformedWire(what="hello", detail="its parts")


def _position(item: Any) -> Position:
    match item:
        case [int() as number, bytes() as root] if (
            type(number) is int and 0 <= number < _LARGEST and len(root) == 32  # noqa: PLR2004 - SHA-256
        ):
            return Position(number, root)
        case _:
            raise MalformedWire(what="agreement", detail="a position")


def _map(data: bytes, most: int, what: str, shape: dict[str, Any]) -> dict[str, Any]:
    value: Any = cbor.decode(data, max_bytes=most, max_depth=3)
    full = {"v": int, "from": str, "to": str, "at": int} | shape
    if not isinstance(value, dict) or set(value) != set(full):
        raise MalformedWire(what=what, detail="its keys")
    for key, kinds in full.items():
        if type(value[key]) not in (kinds if isinstance(kinds, tuple) else (kinds,)):
            raise MalformedWire(what=what, detail=key)
    _require(value["v"] == VERSION, what, "version")
    _require(0 <= value["at"] < _LARGEST, what, "time")
    return value


def _require(holds: bool, what: str, detail: str) -> None:  # noqa: FBT001 - a guard's first word
    if not holds:
        raise MalformedWire(what=what, detail=detail)
