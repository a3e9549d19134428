"""What goes over the boundary, byte for byte (docs/protocol.md says the same in words).

A batch on the wire is the CBOR array ``[statement, [[header, sealed body], …]]``; a request holds one
or more of them, one after the other (RFC 8742), and its answer as many receipts. The statement is a
COSE_Sign1 (RFC 9052 section 4.2) over the Merkle root of the messages, so each message stays provable
alone by its inclusion proof (RFC 9162 section 2.1.3). A receipt is a COSE_Sign1 over what became of each
message of a batch. Times are whole milliseconds since 1970 UTC.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any, Final

from kouan.core import cbor
from kouan.core.exchange import shapes
from kouan.core.exchange.frame import Frame
from kouan.core.exchange.shapes import MalformedWire, read_map, require

VERSION: Final = 1
BATCH_TYPE: Final = "application/kouan-batch+cose"
RECEIPT_TYPE: Final = "application/kouan-receipt+cose"
REQUEST_TYPE: Final = "application/cbor-seq"
"""Media type of what is posted to ``/batch``: batches, one after the other (RFC 8742)."""
ANSWER_TYPE: Final = "application/cbor-seq"
"""Media type of the answer: signed receipts, one after the other."""
MAX_BATCH_BYTES: Final = 16 << 20
MAX_MESSAGES: Final = 1000
MAX_BATCHES: Final = 64
"""Batches in one request; together they hold no more bytes and messages than one batch may."""
MAX_NOTICES: Final = 1000
MAX_HEADER: Final = 1024
MAX_STATEMENT: Final = 128 * 1024
MAX_RECEIPT: Final = 128 * 1024
BODY_OVERHEAD: Final = 64
"""Bytes that the salt, the CBOR frame and the AEAD's tag add to a payload, at most."""
GENESIS: Final = bytes(32)
"""What the first batch of a stream says of the one before it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is said of a message in clear, under the signature: who, what, on which basis, until when."""

    id: uuid.UUID
    sender: str
    receiver: str
    type: str
    version: int
    agreement: str
    agreement_digest: bytes
    clause: str
    consent: str | None
    conversation: uuid.UUID
    sequence: int
    created: int
    expires: int
    body: bytes
    """SHA-256 of the opened body: binds sender and receiver to one content."""

    def encode(self) -> bytes:
        """Return the header's deterministic CBOR."""
        return cbor.encode_in_order(
            {
                "v": VERSION,
                "id": self.id.bytes,
                "to": self.receiver,
                "tv": self.version,
                "seq": self.sequence,
                "body": self.body,
                "conv": self.conversation.bytes,
                "from": self.sender,
                "made": self.created,
                "type": self.type,
                "basis": [self.agreement, self.agreement_digest, self.clause],
                "until": self.expires,
                "consent": self.consent,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """Read a header; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
        value = read_map(data, "header", shapes.HEADER, max_bytes=MAX_HEADER)
        basis = value["basis"]
        if [type(item) for item in basis] != [str, bytes, str]:
            raise MalformedWire(what="header", detail="basis")
        require(value["v"] == VERSION, "header", "version")
        require(len(value["id"]) == len(value["conv"]) == 16, "header", "identifiers")  # noqa: PLR2004 - RFC 9562
        require(len(value["body"]) == len(basis[1]) == 32, "header", "digests")  # noqa: PLR2004 - SHA-256
        require(
            min(value["seq"], value["made"], value["until"], value["tv"]) >= 0, "header", "negative number"
        )
        require(max(value["seq"], value["made"], value["until"]) < 1 << 53, "header", "number")
        require(value["tv"] < 1 << 16, "header", "type version")
        return cls(
            id=uuid.UUID(bytes=value["id"]),
            sender=value["from"],
            receiver=value["to"],
            type=value["type"],
            version=value["tv"],
            agreement=basis[0],
            agreement_digest=basis[1],
            clause=basis[2],
            consent=value["consent"],
            conversation=uuid.UUID(bytes=value["conv"]),
            sequence=value["seq"],
            created=value["made"],
            expires=value["until"],
            body=value["body"],
        )


def encode_body(salt: bytes, payload: bytes) -> bytes:
    """Return the body to be sealed: a 16-byte salt and the encoded payload."""
    return cbor.encode_in_order([salt, payload])


def decode_body(data: bytes, *, max_bytes: int) -> bytes:
    """Return the encoded payload of an opened body; raises ``MalformedWire``."""
    if len(data) > max_bytes + BODY_OVERHEAD:
        raise MalformedWire(what="body", detail=f"{len(data)} bytes")
    frame = Frame(data)
    try:
        frame.array(exactly=2)
        frame.byte_string()
        payload = frame.byte_string()
        frame.end()
    except ValueError as error:
        raise MalformedWire(what="body", detail=str(error)) from None
    return payload


def leaf(header: bytes, ciphertext_digest: bytes) -> bytes:
    """Return the data of a message's leaf in its batch tree: header and sealed body, both bound."""
    return cbor.encode_in_order([header, ciphertext_digest])


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of a message that the peer accepted earlier: handled, or refused with a code."""

    message: uuid.UUID
    code: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What the sender signs for a whole batch."""

    suite: int
    sender: str
    receiver: str
    first: int
    count: int
    root: bytes
    previous: bytes
    sealed_at: int
    recipient_kid: bytes
    wrapped_key: bytes
    notices: tuple[Notice, ...]

    def encode(self) -> bytes:
        """Return the statement's deterministic CBOR, the payload of the COSE_Sign1."""
        return cbor.encode_in_order(
            {
                "n": self.count,
                "v": VERSION,
                "at": self.sealed_at,
                "to": self.receiver,
                "key": self.wrapped_key,
                "done": [[notice.message.bytes, notice.code, notice.at] for notice in self.notices],
                "from": self.sender,
                "prev": self.previous,
                "rkid": self.recipient_kid,
                "root": self.root,
                "first": self.first,
                "suite": self.suite,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Statement:
        """Read a statement; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
        value = read_map(data, "statement", shapes.STATEMENT, max_bytes=MAX_STATEMENT)
        require(value["v"] == VERSION, "statement", "version")
        require(0 <= value["n"] <= MAX_MESSAGES, "statement", "message count")
        require(len(value["done"]) <= MAX_NOTICES, "statement", "notice count")
        require(value["n"] > 0 or bool(value["done"]), "statement", "nothing in it")
        require(len(value["root"]) == len(value["prev"]) == 32, "statement", "roots")  # noqa: PLR2004 - SHA-256
        require(1 <= value["first"] < 1 << 53 and 0 <= value["at"] < 1 << 53, "statement", "number")
        return cls(
            suite=value["suite"],
            sender=value["from"],
            receiver=value["to"],
            first=value["first"],
            count=value["n"],
            root=value["root"],
            previous=value["prev"],
            sealed_at=value["at"],
            recipient_kid=value["rkid"],
            wrapped_key=value["key"],
            notices=tuple(_notice(item) for item in value["done"]),
        )


def _notice(item: Any) -> Notice:
    match item:
        case [bytes() as message, None | str() as code, int() as at] if (
            len(message) == 16 and type(at) is int and 0 <= at < 1 << 53 and (code is None or len(code) <= 64)  # noqa: PLR2004 - RFC 9562; codes are short
        ):
            return Notice(uuid.UUID(bytes=message), code, at)
        case _:
            raise MalformedWire(what="statement", detail="notice")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver signs, after its commit, for a whole batch.

    ``statuses`` has one item a message, in order: ``None`` for accepted, else the code of the
    refusal. ``log_first`` is the index in the receiver's ledger of the first message's leaf.
    ``credits`` is how many bytes the receiver is ready to take next.
    """

    sender: str
    receiver: str
    statement: bytes
    root: bytes
    statuses: tuple[str | None, ...]
    log_first: int
    accepted_at: int
    credits: int

    def encode(self) -> bytes:
        """Return the receipt's deterministic CBOR, the payload of the COSE_Sign1."""
        return cbor.encode_in_order(
            {
                "v": VERSION,
                "at": self.accepted_at,
                "to": self.receiver,
                "log": self.log_first,
                "from": self.sender,
                "root": self.root,
                "batch": self.statement,
                "status": list(self.statuses),
                "credits": self.credits,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Receipt:
        """Read a receipt; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
        value = read_map(data, "receipt", shapes.RECEIPT, max_bytes=MAX_RECEIPT)
        require(value["v"] == VERSION, "receipt", "version")
        require(len(value["batch"]) == len(value["root"]) == 32, "receipt", "digests")  # noqa: PLR2004 - SHA-256
        require(all(item is None or type(item) is str for item in value["status"]), "receipt", "status")
        require(
            all(0 <= number < 1 << 53 for number in (value["log"], value["at"], value["credits"])),
            "receipt",
            "number",
        )
        return cls(
            sender=value["from"],
            receiver=value["to"],
            statement=value["batch"],
            root=value["root"],
            statuses=tuple(value["status"]),
            log_first=value["log"],
            accepted_at=value["at"],
            credits=value["credits"],
        )


def encode_batch(statement: bytes, messages: list[tuple[bytes, bytes]]) -> bytes:
    """Return a batch as it is posted: the signed statement and (header, sealed body) pairs."""
    return cbor.encode_in_order([statement, messages])


def decode_batches(data: bytes) -> list[tuple[bytes, list[tuple[bytes, bytes]]]]:
    """Read what was posted: one batch after the other; raises ``MalformedWire``.

    Nothing is verified yet, and the bytes may be many: so they are read item by item in the one form
    that they may have, and no more is ever made of them than the parts that are allowed.
    """
    if len(data) > MAX_BATCH_BYTES:
        raise MalformedWire(what="batch", detail=f"{len(data)} bytes where {MAX_BATCH_BYTES} are allowed")
    frame = Frame(data)
    batches: list[tuple[bytes, list[tuple[bytes, bytes]]]] = []
    left = MAX_MESSAGES
    try:
        while not batches or not frame.ended:
            if len(batches) == MAX_BATCHES:
                raise MalformedWire(what="request", detail=f"more than {MAX_BATCHES} batches")
            frame.array(exactly=2)
            statement = frame.byte_string()
            pairs = frame.pairs(frame.array(at_most=left))
            left -= len(pairs)
            batches.append((statement, pairs))
    except ValueError as error:
        raise MalformedWire(what="batch", detail=str(error)) from None
    return batches


def decode_batch(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Read exactly one batch; raises ``MalformedWire``."""
    batches = decode_batches(data)
    if len(batches) != 1:
        raise MalformedWire(what="batch", detail="another one after it")
    return batches[0]


def decode_receipts(data: bytes) -> list[bytes]:
    """Read the answer to what was posted: signed receipts, one after the other; raises ``MalformedWire``.

    Each is given back as the bytes that it is; nothing is verified yet.
    """
    frame = Frame(data)
    receipts: list[bytes] = []
    try:
        while not frame.ended:
            if len(receipts) == MAX_BATCHES:
                raise MalformedWire(what="answer", detail=f"more than {MAX_BATCHES} receipts")
            receipts.append(frame.signed())
    except ValueError as error:
        raise MalformedWire(what="answer", detail=str(error)) from None
    return receipts


def digest(data: bytes) -> bytes:
    """Return SHA-256 of ``data``."""
    return hashlib.sha256(data).digest()
