"""Guangdong's node as the tests play it: it signs, seals and posts by itself, and reads what it is sent."""

from __future__ import annotations

import json
import time
import uuid
from datetime import datetime

from django.utils import timezone

from kouan.apps.dataflow import receipts, statements
from kouan.core import cbor
from kouan.core.exchange import inbox
from kouan.core.exchange.handling import handle_waiting
from kouan.core.exchange.models import InboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.trust import cose
from kouan.core.trust.receipts import CONSENT, written

CLAUSES = {
    "dataflow.contract": "5.1",
    "dataflow.contract-answer": "5.1",
    "dataflow.filing": "5.1",
    "dataflow.contract-end": "5.1",
    "dataflow.consent": "5.2",
    "dataflow.consent-withdrawn": "5.2",
    "dataflow.notice": "5.2",
    "dataflow.erasure-request": "5.4",
    "dataflow.erasure-answer": "5.4",
    "dataflow.use": "5.3",
    "dataflow.erased": "5.3",
}


class Guangdong:
    def __init__(self, peer):
        self.peer = peer

    def draft(self, type_, payload, *, conversation, contract=None, consent=None):
        """A message of ours; under the demonstration's agreement, or under a contract's terms."""
        agreement = self.peer.agreement
        basis = (
            [agreement.id, agreement.digest, CLAUSES[type_]]
            if contract is None
            else [contract.contract, contract.digest(), "scope"]
        )
        return self.peer.say(payload, type_=type_, basis=basis, conv=conversation.bytes, consent=consent)

    def post(self, *drafts):
        """Have drafts arrive in one batch and be handled; return each one's state and code."""
        posted = self.peer.batch(*drafts)
        receipt = self.peer.read_receipt(inbox.accept(posted.wire), posted)
        self.peer.advance(posted)
        handle_waiting()
        rows = {row.message_id: row for row in InboxMessage.objects.all()}
        ended = []
        for draft, status in zip(drafts, receipt["status"], strict=True):
            row = rows.get(uuid.UUID(bytes=draft.header["id"]))
            ended.append(("refused", status) if row is None or status else (row.state, row.code))
        return ended

    def say(self, type_, payload, **how):
        (ended,) = self.post(self.draft(type_, payload, **how))
        return ended

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

    def statement(self, digest, *, side="gd", signer=None, at=None):
        """Our signature under terms."""
        content = {
            "digest": digest, "side": side, "officer": "WANG Fang, Director",
            "at": time.time_ns() // 1_000_000 if at is None else at,
        }  # fmt: skip
        return cose.sign1(cbor.encode(content), signer or self.peer.signer(), content_type=statements.TYPE)

    def receipt(self, said, *, signer=None, terms=None, **changes):
        """Our receipt of a consent that a message of ours tells of, given under these terms."""
        named = {} if terms is None else {"terms": terms.digest().hex()}
        content = {
            "schema_version": receipts.SCHEMA,
            "record_id": str(uuid.UUID(bytes=said["consent"])),
            "pii_principal_id": said["subject"],
            "pii_processing": {
                "contract": str(uuid.UUID(bytes=said["contract"])),
                **named,
                "purposes": [
                    {
                        "purpose_type": purpose,
                        "pii_information": [
                            {"pii_attribute_id": each, "sensitive": each in said["separate"]}
                            for each in said["elements"]
                        ],
                    }
                    for purpose in said["purposes"]
                ],
            },
            "events": [
                {
                    "assurance_level": said["level"],
                    "valid_until": written(moment(said["expires_at"])),
                }
            ],
        } | changes
        data = json.dumps(content).encode()
        return cose.sign1(data, signer or self.peer.signer(), content_type=CONSENT)

    def consent(self, terms, *, elements=None, separate=("person.credit",), level=3, **changes):
        """What we say of a person's consent at our side, with its receipt."""
        now = int(timezone.now().timestamp())
        said = {
            "consent": uuid.uuid4().bytes,
            "contract": uuid.UUID(terms.contract).bytes,
            "subject": "g" * 43,
            "elements": sorted(elements or terms.elements),
            "separate": list(separate),
            "purposes": list(terms.purposes),
            "level": level,
            "given_at": now,
            "expires_at": now + 3600,
        } | changes
        return said | {"receipt": self.receipt(said, terms=terms)}


def values_of(pairs):
    return [{"element": element, "value": value} for element, value in pairs.items()]


def moment(seconds):
    return datetime.fromtimestamp(seconds, tz=timezone.get_current_timezone())
