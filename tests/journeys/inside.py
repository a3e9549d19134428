"""What journeys do inside a node, in a process of its own beside the node's three (see ``station.py``)."""

from __future__ import annotations

import hashlib
import time
import uuid as uuid_module
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.utils import timezone

from journeys.proof import Carried, Facts, Listed, Message, SignedSize
from kouan.apps.validation import queries as validation_queries
from kouan.apps.validation import services
from kouan.apps.validation.crossings import FINGERPRINT_QUESTION, FingerprintQuestion
from kouan.apps.validation.domain import ALGORITHM, Reference
from kouan.apps.validation.models import RegisteredDocument, Validation
from kouan.core import cbor
from kouan.core.exchange import Keep, keystatus, outbox, wire
from kouan.core.exchange.crossing import registry
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.ids import new_id
from kouan.core.exchange.models import Batch, InboxMessage, Incident, OutboxMessage, ReceivedBatch, Stream
from kouan.core.exchange.times import milliseconds
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.models import Entry, Equivocation, SignedCheckpoint, WitnessedCheckpoint
from kouan.core.trust import cose
from kouan.core.trust.queries import get_member, own, reports
from kouan.core.trust.store import KeyStore
from kouan.web.access import grant_role

if TYPE_CHECKING:
    import uuid


def ask(to: str, count: int = 1) -> list[uuid.UUID]:
    """Put so many questions about documents that ``to`` has never seen; return the validations."""
    made = []
    for _ in range(count):
        reference = Reference.new(to)
        digest = hashlib.sha256(str(reference).encode()).digest()
        made.append(services.ask(reference=reference, digest=digest).pk)
    return made


def new_reference(side: str) -> str:
    """Return a reference of ``side`` that nobody has registered."""
    return str(Reference.new(side))


def ask_in_one_conversation(to: str, count: int) -> uuid.UUID:
    """Put questions one after the other in one conversation that no page waits for; return it."""
    conversation = new_id()
    for number in range(count):
        with transaction.atomic():
            payload = FingerprintQuestion(
                reference=str(Reference.new(to)),
                algorithm=ALGORITHM,
                digest=hashlib.sha256(str(number).encode()).digest(),
            )
            outbox.send(FINGERPRINT_QUESTION, to=to, payload=payload, conversation=conversation)
    return conversation


def ask_at_once(to: str, count: int) -> list[uuid.UUID]:
    """Put questions in one transaction, so that they leave in one batch."""
    with transaction.atomic():
        return ask(to, count)


def outcome(key: uuid.UUID) -> str:
    """Return the outcome of a validation, or nothing while it is open."""
    return Validation.objects.get(pk=key).outcome


def outcomes(keys: list[uuid.UUID]) -> list[str]:
    """Return the outcomes of validations, in order."""
    return [outcome(key) for key in keys]


def kept() -> tuple[int, int]:
    """Return how many documents and how many validations this node has on record."""
    return RegisteredDocument.objects.count(), Validation.objects.count()


def let_expire(reference: str) -> None:
    """Let a document's last day have been yesterday, as if time had passed."""
    RegisteredDocument.objects.filter(reference=reference).update(
        expires_on=validation_queries.today() - timedelta(days=1)
    )


def busy() -> list[str]:
    """Return what is not at rest: under way, not reported, not co-signed; empty when all is done.

    In the order in which things go on: what ends one of these while they are counted shows in a later one.
    """
    unsettled = {
        "to handle": InboxMessage.objects.filter(state="waiting").count(),
        "to notify": InboxMessage.objects.exclude(state="waiting").filter(notified=False).count(),
        "to report": OutboxMessage.objects.filter(
            state__in=["refused", "expired", "cancelled"], reported=False
        ).count(),
        "to send": OutboxMessage.objects.filter(state__in=["waiting", "sealed", "accepted"]).count(),
        "to be receipted": Batch.objects.filter(receipt__isnull=True).count(),
    }
    size, cosigned = ledger.size(), ledger.latest_cosigned()
    if size and (cosigned is None or cosigned.size < size):
        unsettled["to co-sign"] = size - (cosigned.size if cosigned else 0)
    return [f"{count} {what}" for what, count in unsettled.items() if count]


def mark() -> tuple[object, ...]:
    """Return what is another as soon as anything has crossed, was handled or was co-signed."""
    cosigned = ledger.latest_cosigned()
    streams = Stream.objects.order_by("peer").values_list(
        "peer", "out_sequence", "out_last", "in_sequence", "in_last"
    )
    return (
        ledger.size(),
        0 if cosigned is None else cosigned.size,
        tuple(
            tuple(bytes(each) if isinstance(each, memoryview) else each for each in row) for row in streams
        ),
        InboxMessage.objects.filter(notified=True).count(),
        OutboxMessage.objects.filter(state="handled").count(),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """How the line to a peer looks from here."""

    last_error: str
    unreceipted: int
    attempts: int
    waiting: int


def line(peer: str) -> Line:
    """Return how the line to ``peer`` is."""
    stream = Stream.objects.filter(peer=peer).first()
    open_batches = list(
        Batch.objects.filter(peer=peer, receipt__isnull=True).values_list("attempts", flat=True)
    )
    waiting = OutboxMessage.objects.filter(peer=peer, state="waiting").count()
    return Line(stream.last_error if stream else "", len(open_batches), sum(open_batches), waiting)


def sealed_batch(peer: str) -> bytes | None:
    """Return the bytes that are being posted to ``peer`` and have no receipt yet, if there are any."""
    batch = Batch.objects.filter(peer=peer, receipt__isnull=True).order_by("pk").first()
    return None if batch is None or batch.wire is None else bytes(batch.wire)


def kept_receipt(body: bytes) -> bytes | None:
    """Return the receipt that the peer gave us for the batch that was posted as ``body``."""
    receipt = Batch.objects.get(statement_digest=_digest_of(body)).receipt
    return None if receipt is None else bytes(receipt)


def given_receipt(body: bytes) -> bytes | None:
    """Return the receipt that we gave for a batch, if we took it in."""
    batch = ReceivedBatch.objects.filter(statement_digest=_digest_of(body)).first()
    return None if batch is None else bytes(batch.receipt)


def taken_in() -> tuple[int, int, int, int]:
    """Return how many batches and messages came in, how many answers we made, and the ledger's size."""
    return (
        ReceivedBatch.objects.count(),
        InboxMessage.objects.count(),
        OutboxMessage.objects.count(),
        ledger.size(),
    )


def batch_from_another_time(peer: str, seconds: float) -> bytes:
    """Return a batch of ours, soundly signed, that says it was sealed ``seconds`` from now."""
    now = timezone.now()
    statement = wire.Statement(
        suite=own().suite.id,
        sender=settings.NODE.side,
        receiver=peer,
        first=Stream.objects.get(peer=peer).out_sequence + 1,
        count=0,
        root=hashlib.sha256(b"").digest(),
        previous=bytes(Stream.objects.get(peer=peer).out_last),
        sealed_at=milliseconds(now + timedelta(seconds=seconds)),
        recipient_kid=get_member(peer).sealing_key(now)[0],
        wrapped_key=bytes(80),
        notices=(wire.Notice(new_id(), None, milliseconds(now)),),
    )
    signed = cose.sign1(statement.encode(), own().signer(now), content_type=wire.BATCH_TYPE)
    return wire.encode_batch(signed, [])


def milliseconds_now() -> int:
    """Return this node's clock as a request to a door tells it."""
    return time.time_ns() // 1_000_000


def fingerprint() -> str:
    """Return who this side is, as people compare it."""
    return own().fingerprint


@dataclass(frozen=True, slots=True)
class Tls:
    """What this node shows at doors, and whom it believes about a peer."""

    certificate: str
    key: str
    peer_ca: str


def tls(peer: str) -> Tls:
    """Return this node's TLS files and the peer's authority as PEM."""
    keys = own()
    return Tls(str(keys.tls_certificate), str(keys.tls_key), get_member(peer).tls_ca_pem.decode())


def facts() -> Facts:
    """Return everything that this node holds about what crossed, as it is at one moment."""
    with transaction.atomic():
        return Facts(
            side=settings.NODE.side,
            trust_document=own().document,
            sent=[
                _sent(row)
                for row in OutboxMessage.objects.filter(sequence__isnull=False)
                .select_related("content")
                .order_by("pk")
            ],
            got=[_got(row) for row in InboxMessage.objects.select_related("content").order_by("pk")],
            posted=[_posted(row) for row in Batch.objects.order_by("pk")],
            taken=[_posted(row) for row in ReceivedBatch.objects.order_by("pk")],
            streams={
                row.peer: (row.out_sequence, bytes(row.out_last), row.in_sequence, bytes(row.in_last))
                for row in Stream.objects.all()
            },
            entries=[
                Listed(
                    row.index,
                    row.kind,
                    bytes(row.leaf_hash),
                    bytes(row.salt or b""),
                    bytes(row.record or b""),
                )
                for row in Entry.objects.order_by("index")
            ],
            root=ledger.root_at(ledger.size()),
            checkpoints=[
                SignedSize(row.size, bytes(row.root), ledger.checkpoint_record(row).note)
                for row in SignedCheckpoint.objects.order_by("pk")
            ],
            witnessed=[
                (row.log.origin, row.size, bytes(row.root))
                for row in WitnessedCheckpoint.objects.select_related("log").order_by("pk")
            ],
            complaints=[f"{row.kind}: {row.detail}" for row in Incident.objects.all()]
            + [f"equivocation: {row}" for row in Equivocation.objects.all()],
            validations=[
                (str(row.pk), str(row.conversation), str(row.answer_id), row.outcome, row.failure)
                for row in Validation.objects.exclude(conversation=None)
            ],
        )


def _sent(row: OutboxMessage) -> Message:
    return Message(
        id=str(row.message_id),
        peer=row.peer,
        type=row.type,
        conversation=str(row.conversation),
        state=row.state,
        code=row.code,
        sequence=row.sequence or 0,
        header=bytes(row.header or b""),
        sealed=bytes(row.ciphertext_digest or b""),
        body=row.body,
        stays=registry.kept(row.type, row.version) is Keep.ON_RECORD,
        ledger_index=-1 if row.ledger_index is None else row.ledger_index,
        peer_ledger_index=-1 if row.peer_ledger_index is None else row.peer_ledger_index,
    )


def _got(row: InboxMessage) -> Message:
    return Message(
        id=str(row.message_id),
        peer=row.peer,
        type=row.type,
        conversation=str(row.conversation),
        state=row.state,
        code=row.code,
        sequence=row.sequence,
        header=bytes(row.header),
        sealed=bytes(row.ciphertext_digest),
        body=row.body or b"",
        stays=registry.kept(row.type, row.version) is Keep.ON_RECORD,
        ledger_index=row.ledger_index,
        peer_ledger_index=-1,
    )


def _posted(row: Batch | ReceivedBatch) -> Carried:
    return Carried(
        peer=row.peer,
        first=row.first,
        count=row.count,
        root=bytes(row.root),
        statement=bytes(row.statement),
        receipt=bytes(row.receipt or b""),
    )


def _digest_of(body: bytes) -> bytes:
    return wire.digest(wire.decode_batch(body)[0])


def key_status() -> dict[str, object]:
    """Return what ``kouan trust status --json`` says."""
    return keystatus.as_json(keystatus.status())


def reported_of(peer: str) -> list[str]:
    """Return the ids of a peer's keys that it reported compromised, as this node knows them."""
    return [item.kid.hex() for item in reports(peer)]


def forged_batch(peer: str) -> bytes:
    """Return a batch to ``peer`` under our newest reported key, as its thief would make it."""
    store = KeyStore.open(settings.NODE.keys)
    stolen = next(key for key in store.keys if key.kid == store.content_list.revoked[-1].kid)
    frame, pairs = wire.decode_batch(batch_from_another_time(peer, -7200))
    honest = cose.read1(frame, content_type=wire.BATCH_TYPE, max_bytes=1 << 20)
    return wire.encode_batch(
        cose.sign1(honest.payload, store.signer_of(stolen), content_type=wire.BATCH_TYPE), pairs
    )


def kinds_of_entries() -> set[str]:
    """Return the kinds of entries in this node's ledger."""
    return set(Entry.objects.values_list("kind", flat=True))


def evidence_of(message: str) -> bytes:
    """Return the evidence bundle of one message."""
    return evidence_bundle([uuid_module.UUID(message)])


def newest_sent(peer: str) -> str:
    """Return the id of a message of ours to ``peer`` that was handled."""
    row = OutboxMessage.objects.filter(peer=peer, state="handled").order_by("pk").first()
    assert row is not None
    return str(row.message_id)


def operator_session() -> str:
    """Sign an operator in and return the session's key."""
    user, _ = User.objects.get_or_create(username="watcher")
    grant_role(user=user, role="operator")
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def sent_messages() -> list[uuid.UUID]:
    """Return the ids of our messages whose end is known, the newest first."""
    return list(
        OutboxMessage.objects.filter(state="handled").order_by("-pk").values_list("message_id", flat=True)
    )


def attach(name, type_):
    """Attach a system, or give the one that is there a new token; return the token."""
    from kouan.apps.attached import services  # noqa: PLC0415 - needs Django's models
    from kouan.apps.attached.models import System  # noqa: PLC0415 - as above

    found = System.objects.filter(name=name).first()
    if found is not None:
        return services.rotate_token(system=found)
    return services.attach(name=name, department="Tests", may_send=[type_], may_receive=[type_])[1]


def stored_for(name, message_ids):
    """Return how many rows hold these messages for a system."""
    from kouan.apps.attached.models import Received  # noqa: PLC0415 - needs Django's models

    return Received.objects.filter(system__name=name, message_id__in=message_ids).count()


def signed_with(peer: str) -> dict[str, object]:
    """Return our newest batch's suite, whether our newest receipt is signed twice, a checkpoint's lines."""
    batch = Batch.objects.filter(peer=peer).latest("pk")
    signed = cose.read1(bytes(batch.statement), content_type=wire.BATCH_TYPE, max_bytes=wire.MAX_STATEMENT)
    given = ReceivedBatch.objects.filter(peer=peer).latest("pk")
    receipt = cose.read1(bytes(given.receipt), content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT)
    note = SignedCheckpoint.objects.latest("size").note
    return {
        "batches": wire.Statement.decode(signed.payload).suite,
        "receipts": receipt.second is not None,
        "checkpoint": note.count(f"\u2014 {settings.NODE.side}.kouan/ledger "),
    }


def batch_signed_once(peer: str) -> bytes:
    """Return a batch of ours whose second signature somebody took away."""
    signed, pairs = wire.decode_batch(batch_from_another_time(peer, 0))
    protected, _second, payload, signature = cbor.decode(signed, max_bytes=wire.MAX_STATEMENT)
    return wire.encode_batch(cbor.encode([protected, {}, payload, signature]), pairs)


def incident_kinds() -> set[str]:
    """Return the kinds of what this node's operator is shown."""
    return set(Incident.objects.values_list("kind", flat=True))


def newest_proof() -> bytes:
    """Return an evidence bundle about our newest message that can be proved."""
    row = OutboxMessage.objects.filter(state=OutboxMessage.State.HANDLED).latest("pk")
    return evidence_bundle([row.message_id])
