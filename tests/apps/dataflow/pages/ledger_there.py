"""Guangdong's ledger as its node shows it at its door: a tree in memory, co-signed by this side's witness."""

from __future__ import annotations

import os

from kouan.core import cbor
from kouan.core.exchange import wire, witness
from kouan.core.exchange.models import OutboxMessage
from kouan.core.ledger.checkpoint import Checkpoint
from kouan.core.ledger.merkle import entry_hash, inclusion_path, root_of
from kouan.core.ledger.witness import format_add_checkpoint


class LedgerThere:
    """What Guangdong has logged of what it received, and its door: ``status`` and ``spoil`` may change."""

    def __init__(self, peer):
        self.peer = peer
        self.leaves = []
        self.salts = {}
        self.places = {}
        self.note = ""
        self.asked = []
        self.status = 200
        self.spoil = lambda said: said

    def log(self):
        """Log all that Guangdong has receipted, each where its receipt says, and have it co-signed here."""
        rows = {row.peer_ledger_index: row for row in OutboxMessage.objects.exclude(peer_ledger_index=None)}
        for index in range(max(rows) + 1):
            salt, record = os.urandom(16), b"something else"
            if index in rows:
                row = rows[index]
                record = wire.leaf(bytes(row.header), bytes(row.ciphertext_digest))
                self.places[row.message_id.bytes] = index
            self.salts[index] = salt
            self.leaves.append(entry_hash(salt, record))
        signed = Checkpoint(self.peer.keys.public.log_origin, len(self.leaves), root_of(self.leaves)).sign(
            self.peer.log_signer
        )
        answer = witness.add_checkpoint(format_add_checkpoint(0, [], str(signed)), "gd")
        assert answer.status == 200, answer
        self.uncosigned = str(signed)
        self.note = str(signed) + answer.body.decode()

    def entry(self, message_id):
        index = self.places.get(message_id)
        if index is None:
            return None
        path = inclusion_path(self._node, index, len(self.leaves))
        return [index, self.salts[index], b"".join(path)]

    def _node(self, level, index):
        return root_of(self.leaves[index << level : (index + 1) << level])

    # Its door, as a connection of this side's sees it

    def connection(self, _member, *, answer_within):
        assert answer_within
        return self

    def request(self, method, path, body, headers):
        assert (method, path, headers["content-type"]) == ("POST", "/dataflow/ledger", "application/cbor")
        self.asked.append(cbor.decode(body, max_bytes=1 << 16))

    def getresponse(self):
        return self

    def read(self, most):
        assert most
        entries = [self.entry(id_) for _sender, id_ in self.asked[-1]["messages"]]
        return cbor.encode(self.spoil({"v": 1, "note": self.note, "entries": entries}))

    def isclosed(self):
        return True

    def getheader(self, _name, default):
        return default

    def getheaders(self):
        return []

    def close(self):
        pass
