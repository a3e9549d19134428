"""A witness that belongs to neither side: C2SP tlog-witness over HTTP, from the ledger's own rules."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kouan.core.errors import KouanError
from kouan.core.ledger.errors import ProofError
from kouan.core.ledger.notes import Ed25519Cosigner, VerifierKey, cosign_note, verify_note
from kouan.core.ledger.witness import AddCheckpoint, WitnessAnswer, check_growth
from kouan.sections import WitnessSettings


@dataclass
class Third:
    """Remembers size and root of each log in memory, and co-signs what continues them."""

    log_key: VerifierKey
    name: str = "w.example/one"
    url: str = ""
    known: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    spoil: object = None
    """Changes the answer's bytes, if set."""

    @property
    def settings(self):
        return WitnessSettings(
            self.name, self.url, str(VerifierKey.for_witness(self.name, self.key.public_key()))
        )

    def reply(self, body):
        answer = self.answer(body)
        data = answer.body if self.spoil is None else self.spoil(answer.body)
        return answer.status, answer.content_type, data

    def answer(self, body):
        try:
            request = AddCheckpoint.parse(body)
            verify_note(request.note, [self.log_key])
        except KouanError as error:
            return WitnessAnswer.refused(error.status, error.code)
        size, root = self.known.get(request.checkpoint.origin, (0, b""))
        if request.old_size != size:
            return WitnessAnswer.conflict(size)
        try:
            check_growth(size, root, request)
        except ProofError as error:
            return WitnessAnswer.refused(422, error.code)
        self.known[request.checkpoint.origin] = (request.checkpoint.size, request.checkpoint.root)
        cosigner = Ed25519Cosigner(self.name, self.key)
        return WitnessAnswer.cosigned([cosign_note(request.note.text, cosigner, int(time.time()))])
