"""A node of Hong Kong with keys and an agreement, and Guangdong played at the door with keys of its own."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import pytest
from annotated_types import Len
from django.db import transaction
from django.utils import timezone
from pydantic import StringConstraints

from kouan.core.exchange import Consent, Crossing, Payload, inbox, outbox, receipts, sealing, wire, witness
from kouan.core.exchange.crossing import registry
from kouan.core.exchange.ids import new_id
from kouan.core.exchange.models import InboxMessage, OutboxMessage, ReceivedBatch, Stream
from kouan.core.exchange.times import milliseconds
from kouan.core.ledger.merkle import leaf_hash, root_of
from kouan.core.ledger.notes import Ed25519Cosigner, Ed25519NoteSigner, cosign_note, parse_note
from kouan.core.policy import policy_of
from kouan.core.trust import cose
from kouan.core.trust import sealing as trust_sealing
from kouan.core.trust.own import load
from kouan.core.trust.queries import forget_members, own
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore

AGREEMENT = """
id = "hk-gd-test"
parties = ["hk", "gd"]
effective = 2020-01-01
expires = 2099-12-31
[title]
en = "Arrangement on trying things out"
zh-hant = "試行安排"
zh-hans = "试行安排"
[[clauses]]
id = "3.1"
legal_basis = "trying-out"
types = ["trial.note"]
senders = ["hk", "gd"]
receivers = ["hk", "gd"]
[clauses.text]
en = "Either side may send notes to the other."
zh-hant = "任何一方均可向另一方發送便箋。"
zh-hans = "任何一方均可向另一方发送便笺。"
"""


class Note(Payload):
    text: Annotated[str, StringConstraints(max_length=40)]
    kind: Literal["memo", "question"]
    mark: Annotated[bytes, Len(4, 4)]


@pytest.fixture(scope="session")
def declared():
    """Declared for these tests alone: what other tests see is what the node really has."""
    crossing = Crossing(
        type="trial.note",
        version=1,
        payload=Note,
        title="Note for trying out",
        purpose="To see a message on its way.",
        purpose_code="dpv:ServiceProvision",
        legal_basis="trying-out",
        fields={"text": "What is said", "kind": "What sort of note it is", "mark": "Four bytes"},
        elements={"text": "matter.text", "kind": "technical.outcome", "mark": "technical.filler"},
        consent=Consent.NOT_NEEDED,
        consent_reason="It is about nobody.",
        max_bytes=512,
        expires_after=timedelta(hours=2),
    )
    registry.remove(crossing)
    return crossing


@pytest.fixture
def note(declared):
    """The declaration; tests hang their own handler on it through ``note.handle``."""
    registry.add(declared)
    declared.handle = lambda _message: None
    yield declared
    declared.handle = None
    registry.remove(declared)


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("operations")
    for side in ("hk", "gd"):
        KeyStore.create(home / side, side, hosts=("127.0.0.1",))
    (home / "agreements").mkdir()
    (home / "agreements" / "trial.toml").write_text(AGREEMENT)
    return home


@pytest.fixture
def node(settings, db, home, note):
    """This process as Hong Kong's node, which has imported Guangdong's trust document."""
    forget_members()
    settings.NODE = replace(settings.NODE, keys=home / "hk", agreements=home / "agreements", run=home / "run")
    outbox._waiting._counts.clear()
    peer = Peer(load(home / "gd", side="gd", door_url="https://127.0.0.1:18201"))
    import_document(peer.keys.document, expected_fingerprint=peer.keys.fingerprint, imported_by="tests")
    yield Node(peer, note)
    forget_members()


class Peer:
    """Guangdong as this node sees it: its signatures, receipts and co-signatures are real."""

    def __init__(self, keys):
        self.keys = keys
        self.sequence = 0
        self.last = wire.GENESIS
        self.log = 1000

    def answer(self, sealed, statuses=None):
        """Take a batch in and hand its signed receipt to this node."""
        signed, pairs = wire.decode_batch(sealed.wire)
        now = timezone.now()
        receipt = wire.Receipt(
            sender="gd",
            receiver="hk",
            statement=wire.digest(signed),
            root=wire.Statement.decode(
                cose.read1(signed, content_type=wire.BATCH_TYPE, max_bytes=1 << 20).payload
            ).root,
            statuses=tuple(statuses or [None] * len(pairs)),
            log_first=self.log,
            accepted_at=milliseconds(now),
            credits=1 << 20,
        )
        self.log += len(pairs) + 1
        data = cose.sign1(receipt.encode(), self.keys.signer(now), content_type=wire.RECEIPT_TYPE)
        receipts.take_receipt(sealed, data)

    def send(  # noqa: PLR0913 - what a test may want to be different, by name
        self, crossing, payloads, *, conversation=None, notices=(), ids=None, poison=False
    ):
        """Post a batch to this node's door and return the messages' ids."""
        now = timezone.now()
        agreement = policy_of_node().agreements[0]
        ids = ids or [new_id() for _ in payloads]
        batch_key = trust_sealing.new_batch_key()
        pairs, leaves = [], []
        for position, (message_id, payload) in enumerate(zip(ids, payloads, strict=True)):
            body = wire.encode_body(secrets.token_bytes(16), crossing.encode(payload))
            header = wire.Header(
                id=message_id,
                sender="gd",
                receiver="hk",
                type=crossing.type,
                version=crossing.version,
                agreement=agreement.id,
                agreement_digest=agreement.digest,
                clause="3.1",
                consent=None,
                conversation=conversation or new_id(),
                sequence=self.sequence + 1 + position,
                created=milliseconds(now),
                expires=milliseconds(now + crossing.expires_after),
                body=wire.digest(b"something else" if poison else body),
            ).encode()
            sealed = trust_sealing.seal(trust_sealing.message_key(batch_key, message_id.bytes), body, header)
            pairs.append((header, sealed))
            leaves.append(leaf_hash(wire.leaf(header, wire.digest(sealed))))
        first, root = self.sequence + 1, root_of(leaves)
        kid, recipient = own().public.sealing_key(now)
        statement = wire.Statement(
            suite=1,
            sender="gd",
            receiver="hk",
            first=first,
            count=len(pairs),
            root=root,
            previous=self.last,
            sealed_at=milliseconds(now),
            recipient_kid=kid,
            wrapped_key=trust_sealing.wrap_batch_key(
                batch_key, recipient, info=sealing.key_info("gd", "hk", first, root)
            ),
            notices=tuple(notices),
        )
        signed = cose.sign1(statement.encode(), self.keys.signer(now), content_type=wire.BATCH_TYPE)
        inbox.accept(wire.encode_batch(signed, pairs))
        self.sequence += len(pairs)
        self.last = wire.digest(signed)
        return ids

    def cosign(self):
        """Co-sign this node's newest checkpoint, as its witness does."""
        size, request = witness.request_for("gd")
        text = parse_note(request.partition(b"\n\n")[2]).text
        cosigner = Ed25519Cosigner(self.keys.public.witness_name, self.keys.witness_key)
        line = cosign_note(text, cosigner, int(time.time()))
        witness.take_cosignature("gd", size, str(line).encode())

    @property
    def log_signer(self):
        return Ed25519NoteSigner(self.keys.public.log_origin, self.keys.log_key)


class Node:
    """This side: what a test has it do."""

    def __init__(self, peer, crossing):
        self.peer = peer
        self.crossing = crossing

    def payload(self, text="A word"):
        return Note(text=text, kind="memo", mark=b"\0\1\2\3")

    def send(self, count=1, *, conversation=None):
        """Queue messages for Guangdong and return their ids."""
        with transaction.atomic():
            payloads = [self.payload(f"Number {at}") for at in range(count)]
            return outbox.send_many(self.crossing, to="gd", payloads=payloads, conversation=conversation)

    def deliver(self, count=1, *, statuses=None, conversation=None):
        """Send messages and have them answered; returns their ids."""
        ids = self.send(count, conversation=conversation)
        self.peer.answer(sealing.seal_batch("gd"), statuses)
        return ids

    def receive(self, count=1, **options):
        """Have messages arrive; returns their ids."""
        return self.peer.send(self.crossing, [self.payload(f"From {at}") for at in range(count)], **options)

    def witnessed(self):
        """Publish a checkpoint and have it co-signed."""
        witness.publish()
        self.peer.cosign()


def policy_of_node():
    from django.conf import settings  # noqa: PLC0415 - the node of the running test

    return policy_of(settings.NODE.agreements)


@pytest.fixture
def many(node):
    """Write this many rows in each direction without the cryptography, a second apart."""

    def write(count, *, began=datetime(2026, 1, 1, tzinfo=UTC)):
        Stream.objects.get_or_create(peer="gd")
        batch = ReceivedBatch.objects.create(
            peer="gd",
            first=1,
            count=count,
            root=bytes(32),
            statement=b"",
            statement_digest=secrets.token_bytes(32),
            leaves=b"",
            wire_bytes=0,
            receipt=b"",
            received_at=began,
        )
        common = {
            "peer": "gd",
            "type": "trial.note",
            "version": 1,
            "agreement": "hk-gd-test",
            "clause": "3.1",
        }
        OutboxMessage.objects.bulk_create(
            OutboxMessage(
                message_id=new_id(),
                conversation=new_id(),
                agreement_digest=b"",
                size=4,
                body_digest=bytes(32),
                created_at=began + timedelta(seconds=2 * at),
                expires_at=began + timedelta(days=1),
                state="handled",
                **common,
            )
            for at in range(count)
        )
        InboxMessage.objects.bulk_create(
            InboxMessage(
                message_id=new_id(),
                conversation=new_id(),
                header=b"",
                header_digest=b"",
                ciphertext_digest=b"",
                size=4,
                created_at=began + timedelta(seconds=2 * at),
                received_at=began + timedelta(seconds=2 * at + 1),
                batch=batch,
                position=at,
                sequence=at + 1,
                ledger_index=at,
                state="handled",
                **common,
            )
            for at in range(count)
        )

    return write
