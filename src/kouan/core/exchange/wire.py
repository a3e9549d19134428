"""What goes over the boundary, byte for byte (docs/protocol.md says the same in words).

A batch on the wire is the CBOR array ``[statement, [[header, sealed body], …]]``. The statement is
a COSE_Sign1 (RFC 9052 section 4.2) over the Merkle root of the messages, so each message stays
provable alone by its inclusion proof (RFC 9162 section 2.1.3). The answer is a receipt, a COSE_Sign1
over what became of each message. Times are whole milliseconds since 1970 UTC.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange.frame import Frame

VERSION: Final = 1
BATCH_TYPE: Final = "application/kouan-batch+cose"
RECEIPT_TYPE: Final = "application/kouan-receipt+cose"
MAX_BATCH_BYTES: Final = 16 << 20
MAX_MESSAGES: Final = 1000
MAX_NOTICES: Final = 1000
MAX_HEADER: Final = 1024
MAX_STATEMENT: Final = 128 * 1024
MAX_RECEIPT: Final = 128 * 1024
BODY_OVERHEAD: Final = 64
"""Bytes that the salt, the CBOR frame and the AEAD's tag add to a payload, at most."""
GENESIS: Final = bytes(32)
"""The previous root of the first batch of a stream."""


class MalformedWire(KouanError):
    """Bytes from a peer that do not have the shape of the protocol."""

    code = "malformed-wire"
    message = _("The %(what)s does not have the shape of the protocol: %(detail)s.")


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
        return cbor.encode(
            {
                "v": VERSION,
                "id": self.id.bytes,
                "from": self.sender,
                "to": self.receiver,
                "type": self.type,
                "tv": self.version,
                "basis": [self.agreement, self.agreement_digest, self.clause],
                "consent": self.consent,
                "conv": self.conversation.bytes,
                "seq": self.sequence,
                "made": self.created,
                "until": self.expires,
                "body": self.body,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """Read a header; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
        value = _map(
            cbor.decode(data, max_bytes=MAX_HEADER, max_depth=3),
            "header",
            v=int,
            id=bytes,
            **{"from": str},
            to=str,
            type=str,
            tv=int,
            basis=list,
            consent=(str, type(None)),
            conv=bytes,
            seq=int,
            made=int,
            until=int,
            body=bytes,
        )
        basis = value["basis"]
        if [type(item) for item in basis] != [str, bytes, str]:
            raise MalformedWire(what="header", detail="basis")
        _require(value["v"] == VERSION, "header", "version")
        _require(len(value["id"]) == len(value["conv"]) == 16, "header", "identifiers")  # noqa: PLR2004 - RFC 9562
        _require(len(value["body"]) == len(basis[1]) == 32, "header", "digests")  # noqa: PLR2004 - SHA-256
        _require(
            min(value["seq"], value["made"], value["until"], value["tv"]) >= 0, "header", "negative number"
        )
        _require(max(value["seq"], value["made"], value["until"]) < 1 << 53, "header", "number")
        _require(value["tv"] < 1 << 16, "header", "type version")
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
    return cbor.encode([salt, payload])


def decode_body(data: bytes, *, max_bytes: int) -> bytes:
    """Return the encoded payload of an opened body; raises ``MalformedWire``."""
    match cbor.decode(data, max_bytes=max_bytes + BODY_OVERHEAD, max_depth=2):
        case [bytes(), bytes() as payload]:
            return payload
        case _:
            raise MalformedWire(what="body", detail="salt and payload")


def leaf(header: bytes, ciphertext_digest: bytes) -> bytes:
    """Return the data of a message's leaf in its batch tree: header and sealed body, both bound."""
    return cbor.encode([header, ciphertext_digest])


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
        return cbor.encode(
            {
                "v": VERSION,
                "suite": self.suite,
                "from": self.sender,
                "to": self.receiver,
                "first": self.first,
                "n": self.count,
                "root": self.root,
                "prev": self.previous,
                "at": self.sealed_at,
                "rkid": self.recipient_kid,
                "key": self.wrapped_key,
                "done": [[notice.message.bytes, notice.code, notice.at] for notice in self.notices],
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Statement:
        """Read a statement; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
        value = _map(
            cbor.decode(data, max_bytes=MAX_STATEMENT, max_depth=4),
            "statement",
            v=int,
            suite=int,
            **{"from": str},
            to=str,
            first=int,
            n=int,
            root=bytes,
            prev=bytes,
            at=int,
            rkid=bytes,
            key=bytes,
            done=list,
        )
        _require(value["v"] == VERSION, "statement", "version")
        _require(0 <= value["n"] <= MAX_MESSAGES, "statement", "message count")
        _require(len(value["done"]) <= MAX_NOTICES, "statement", "notice count")
        _require(value["n"] > 0 or bool(value["done"]), "statement", "nothing in it")
        _require(len(value["root"]) == len(value["prev"]) == 32, "statement", "roots")  # noqa: PLR2004 - SHA-256
        _require(1 <= value["first"] < 1 << 53 and 0 <= value["at"] < 1 << 53, "statement", "number")
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
        return cbor.encode(
            {
                "v": VERSION,
                "from": self.sender,
                "to": self.receiver,
                "batch": self.statement,
                "root": self.root,
                "status": list(self.statuses),
                "log": self.log_first,
                "at": self.accepted_at,
                "credits": self.credits,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Receipt:
        """Read a receipt; raises ``MalformedWire`` or ``NotDeterministicCBOR``."""
        value = _map(
            cbor.decode(data, max_bytes=MAX_RECEIPT, max_depth=3),
            "receipt",
            v=int,
            **{"from": str},
            to=str,
            batch=bytes,
            root=bytes,
            status=list,
            log=int,
            at=int,
            credits=int,
        )
        _require(value["v"] == VERSION, "receipt", "version")
        _require(len(value["batch"]) == len(value["root"]) == 32, "receipt", "digests")  # noqa: PLR2004 - SHA-256
        _require(all(item is None or type(item) is str for item in value["status"]), "receipt", "status")
        _require(
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
    return cbor.encode([statement, [list(pair) for pair in messages]])


def decode_batch(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Read a posted batch; raises ``MalformedWire``.

    Nothing is verified yet, and the bytes may be many: so they are read item by item in the one form
    that they may have, and no more is ever made of them than the two thousand parts that are allowed.
    """
    if len(data) > MAX_BATCH_BYTES:
        raise MalformedWire(what="batch", detail=f"{len(data)} bytes where {MAX_BATCH_BYTES} are allowed")
    frame = Frame(data)
    pairs = []
    try:
        frame.array(exactly=2)
        statement = frame.byte_string()
        for _message in range(frame.array(at_most=MAX_MESSAGES)):
            frame.array(exactly=2)
            pairs.append((frame.byte_string(), frame.byte_string()))
        frame.end()
    except ValueError as error:
        raise MalformedWire(what="batch", detail=str(error)) from None
    return statement, pairs


def digest(data: bytes) -> bytes:
    """Return SHA-256 of ``data``."""
    return hashlib.sha256(data).digest()


def _map(value: object, what: str, **shape: type | tuple[type, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(shape):
        raise MalformedWire(what=what, detail="its keys")
    for key, expected in shape.items():
        item = value[key]
        kinds = expected if isinstance(expected, tuple) else (expected,)
        if type(item) not in kinds:
            raise MalformedWire(what=what, detail=key)
    return value


def _require(holds: bool, what: str, detail: str) -> None:  # noqa: FBT001 - a guard's first word
    if not holds:
        raise MalformedWire(what=what, detail=detail)
