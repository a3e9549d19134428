"""Guangdong's node as the tests play it: it signs lists of its own, and reads what it is sent."""

from __future__ import annotations

import uuid

from apps.signing.made import signed
from kouan.core.exchange import inbox
from kouan.core.exchange.handling import handle_waiting
from kouan.core.exchange.models import InboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch


class Guangdong:
    def __init__(self, peer, keys):
        self.peer = peer
        self.keys = keys

    def post(self, type_, payload):
        """Have one message arrive and be handled; return its state and code."""
        basis = [self.peer.agreement.id, self.peer.agreement.digest, "8.1"]
        draft = self.peer.say(payload, type_=type_, basis=basis)
        posted = self.peer.batch(draft)
        receipt = self.peer.read_receipt(inbox.accept(posted.wire), posted)
        self.peer.advance(posted)
        handle_waiting()
        row = InboxMessage.objects.filter(message_id=uuid.UUID(bytes=draft.header["id"])).first()
        (code,) = receipt["status"]
        return ("refused", code) if row is None or code else (row.state, row.code)

    def tell(self, edition, *, sm2=b"", keys=None):
        """Send an edition, signed; return what this node answered, and the edition under its digest."""
        jws, made = signed(edition, keys or self.keys)
        return self.tell_jws(jws, sm2=sm2), made

    def tell_jws(self, jws, *, sm2=b""):
        assert self.post("signing.trust-list", {"jws": jws, "sm2": sm2})[0] == "handled"
        (answer,) = [said for type_, said in self.hear() if type_ == "signing.trust-list-answer"]
        return answer

    def answer(self, digest, outcome, *, sequence=1, newest=0):
        payload = {"sequence": sequence, "digest": digest, "outcome": outcome, "newest": newest}
        return self.post("signing.trust-list-answer", payload)

    def hear(self, *statuses):
        """Take all that waits for us, receipt it and return each message's type and payload."""
        heard = []
        while (sealed := seal_batch("gd")) is not None:
            opened = self.peer.open(sealed.wire)
            heard += [
                (header["type"], payload)
                for header, payload in zip(opened.headers, opened.payloads, strict=True)
            ]
            take_receipt(sealed, self.peer.receipt(opened, *(statuses[: len(opened.headers)])))
        return heard
