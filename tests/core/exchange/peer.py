"""Another side's node, played by the test: an implementation of docs/protocol.md of its own.

It signs, seals and numbers by itself, so that each rule of the protocol can be broken on purpose and
alone. What it shares with the node is only ``kouan.core.trust`` (keys, COSE, sealing) and deterministic
CBOR; the wire's shapes, the Merkle tree and the order of things are written here a second time.
"""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from dataclasses import dataclass, field

from kouan.core import cbor
from kouan.core.trust import cose, sealing
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.own import load

BATCH = "application/kouan-batch+cose"
RECEIPT = "application/kouan-receipt+cose"
GENESIS = bytes(32)
HOUR = 3_600_000


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def now_ms():
    return time.time_ns() // 1_000_000


def merkle_root(leaves):
    """MTH of RFC 9162 section 2.1.1, by its definition."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\x00", leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01", merkle_root(leaves[:split]), merkle_root(leaves[split:]))


@dataclass
class Draft:
    """A message before it is sealed: change what you like."""

    header: dict
    body: bytes
    raw_header: bytes | None = None
    """Bytes to send instead of the header's encoding."""
    sealed: bytes | None = None
    """Bytes to send instead of the sealed body."""
    key_of: bytes | None = None
    """The message id from which the key is derived, if not the header's."""


@dataclass(frozen=True)
class Posted:
    """A batch as it goes over the wire, and what it was made of."""

    wire: bytes
    signed: bytes
    statement: dict
    pairs: list

    @property
    def root(self):
        return self.statement["root"]

    @property
    def digest(self):
        return sha256(self.signed)


@dataclass
class Opened:
    """A batch of the node's as the peer reads it."""

    signed: bytes
    statement: dict
    headers: list
    payloads: list
    pairs: list


@dataclass
class Peer:
    """One side that is not the node under test."""

    side: str
    store: object
    node: object
    """The node's public keys (``MemberKeys``)."""
    agreement: object
    """The agreement that both sides hold."""
    door_url: str = "https://gd.example:8443"
    out_next: int = 1
    out_last: bytes = GENESIS
    in_next: int = 1
    in_last: bytes = GENESIS
    clock: int | None = None
    """Milliseconds since 1970 at which the peer lives; the true time if ``None``."""
    keys: object = field(init=False)

    def __post_init__(self):
        self.keys = load(self.store.directory, side=self.side, door_url=self.door_url)

    @property
    def document(self):
        return self.keys.document

    @property
    def fingerprint(self):
        return self.keys.fingerprint

    def now(self):
        return now_ms() if self.clock is None else self.clock

    def signer(self, use=KeyUse.SIGN):
        return self.store.signer_of(next(key for key in self.store.keys if key.use is use))

    # Saying something

    def say(self, payload=None, *, type_="test.note", raw_payload=None, raw_body=None, **changed):
        """A message that is right in everything that is not ``changed``."""
        data = cbor.encode({"text": "hello"} if payload is None else payload)
        data = data if raw_payload is None else raw_payload
        body = cbor.encode([bytes(range(16)), data]) if raw_body is None else raw_body
        header = {
            "v": 1,
            "id": uuid.uuid4().bytes,
            "from": self.side,
            "to": self.node.side,
            "type": type_,
            "tv": 1,
            "basis": [self.agreement.id, self.agreement.digest, "1"],
            "consent": None,
            "conv": uuid.uuid4().bytes,
            "made": self.now(),
            "until": self.now() + HOUR,
            "body": sha256(body),
        } | changed
        return Draft(header, body)

    def batch(  # noqa: PLR0913 - each rule of a batch can be broken alone
        self, *drafts, notices=(), signer=None, typ=BATCH, seal_to=None, info=None, pairs=None, **changed
    ):
        """Seal and sign drafts as the next batch; ``changed`` are fields of the statement."""
        key = bytes(range(1, 33))
        made = []
        for place, draft in enumerate(drafts):
            header = {"seq": self.out_next + place} | draft.header
            raw = cbor.encode(header) if draft.raw_header is None else draft.raw_header
            own_key = sealing.message_key(key, draft.key_of or header["id"])
            sealed = sealing.seal(own_key, draft.body, raw) if draft.sealed is None else draft.sealed
            made.append([raw, sealed])
        root = merkle_root([cbor.encode([raw, sha256(sealed)]) for raw, sealed in made])
        listed = next(key for key in self.node.trust.content.keys if key.use is KeyUse.DECRYPT)
        kid, public = seal_to or (listed.kid, listed.public)
        statement = {
            "v": 1,
            "suite": 1 if (signer or self.signer()).cose_alg == -7 else 2,
            "from": self.side,
            "to": self.node.side,
            "first": self.out_next,
            "n": len(made),
            "root": root,
            "prev": self.out_last,
            "at": self.now(),
            "rkid": kid,
            "done": [list(notice) for notice in notices],
        } | changed
        binding = (
            b"kouan-batch-key/1\x00"
            + f"{self.side}\x00{self.node.side}\x00{statement['first']}\x00".encode()
            + statement["root"]
        )
        statement.setdefault("key", sealing.wrap_batch_key(key, public, info=info or binding))
        signed = cose.sign1(cbor.encode(statement), signer or self.signer(), content_type=typ)
        shown = made if pairs is None else pairs
        return Posted(cbor.encode([signed, shown]), signed, statement, shown)

    def advance(self, posted):
        """Note that a batch was receipted: the next one follows it."""
        self.out_next += posted.statement["n"]
        self.out_last = posted.digest

    def read_receipt(self, data, posted):
        """Check the node's receipt for ``posted`` as the protocol asks, and return its fields."""
        signed = cose.read1(data, content_type=RECEIPT, max_bytes=128 * 1024)
        receipt = cbor.decode(signed.payload, max_bytes=128 * 1024)
        signed.verify(self.node.verification_key(signed.kid, _moment(receipt["at"])))
        assert set(receipt) == {"v", "from", "to", "batch", "root", "status", "log", "at", "credits"}
        assert (receipt["v"], receipt["from"], receipt["to"]) == (1, self.node.side, self.side)
        assert (receipt["batch"], receipt["root"]) == (posted.digest, posted.root)
        assert len(receipt["status"]) == posted.statement["n"]
        return receipt

    def add_checkpoint(self, note, *, old_size, proof=()):
        """The request of tlog-witness, as this side would ask the node for its co-signature."""
        lines = [f"old {old_size}", *(base64.b64encode(each).decode() for each in proof)]
        return ("\n".join(lines) + "\n\n" + note).encode()

    def checkpoint(self, leaves):
        """This side's own checkpoint over the leaf data ``leaves``, signed by its log key."""
        root = base64.b64encode(merkle_root(leaves)).decode()
        text = f"{self.side}.kouan/ledger\n{len(leaves)}\n{root}\n"
        signature = self.keys.log_key.sign(text.encode())
        return text + "\n" + self._line("ledger", b"\x01", self.keys.log_key, signature)

    def cosign(self, note, *, at=None):
        """This side's co-signature line under a checkpoint of the node's (C2SP tlog-cosignature)."""
        text = note[: note.rindex("\n\n") + 1]
        seconds = self.now() // 1000 if at is None else at
        signature = self.keys.witness_key.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
        return self._line("witness", b"\x04", self.keys.witness_key, seconds.to_bytes(8) + signature)

    def _line(self, what, kind, key, signature):
        name = f"{self.side}.kouan/{what}"
        raw = key.public_key().public_bytes_raw()
        key_id = sha256(name.encode(), b"\n", kind, raw)[:4]
        return f"— {name} {base64.b64encode(key_id + signature).decode()}\n"

    # Being told something

    def open(self, wire):
        """Check and open a batch of the node's."""
        signed, pairs = cbor.decode(wire, max_bytes=16 << 20)
        outer = cose.read1(signed, content_type=BATCH, max_bytes=256 * 1024)
        statement = cbor.decode(outer.payload, max_bytes=128 * 1024)
        outer.verify(self.node.verification_key(outer.kid, _moment(statement["at"])))
        assert (statement["from"], statement["to"]) == (self.node.side, self.side)
        assert (statement["first"], statement["prev"]) == (self.in_next, self.in_last)
        assert statement["n"] == len(pairs)
        assert statement["root"] == merkle_root([cbor.encode([raw, sha256(body)]) for raw, body in pairs])
        private = self.store.decryption_key(statement["rkid"])
        binding = (
            b"kouan-batch-key/1\x00"
            + f"{self.node.side}\x00{self.side}\x00{statement['first']}\x00".encode()
            + statement["root"]
        )
        key = sealing.unwrap_batch_key(statement["key"], private, info=binding)
        headers, payloads = [], []
        for place, (raw, body) in enumerate(pairs):
            header = cbor.decode(raw, max_bytes=1024)
            plain = sealing.open_sealed(sealing.message_key(key, header["id"]), body, raw)
            assert (header["seq"], header["body"]) == (statement["first"] + place, sha256(plain))
            _salt, payload = cbor.decode(plain, max_bytes=2 << 20)
            headers.append(header)
            payloads.append(cbor.decode(payload, max_bytes=2 << 20))
        return Opened(signed, statement, headers, payloads, pairs)

    def receipt(self, opened, *statuses, signer=None, typ=RECEIPT, take=True, **changed):
        """The peer's receipt for a batch of the node's; ``changed`` are fields of it."""
        if take:
            self.in_next += opened.statement["n"]
            self.in_last = sha256(opened.signed)
        fields = {
            "v": 1,
            "from": self.side,
            "to": self.node.side,
            "batch": sha256(opened.signed),
            "root": opened.statement["root"],
            "status": list(statuses) or [None] * opened.statement["n"],
            "log": 7,
            "at": self.now(),
            "credits": 1 << 20,
        } | changed
        return cose.sign1(cbor.encode(fields), signer or self.signer(), content_type=typ)


def _moment(milliseconds):
    from kouan.core.exchange.times import from_milliseconds  # noqa: PLC0415 - Django is ready by then

    return from_milliseconds(milliseconds)
