"""Holding everything that this node keeps of the channel against its ledger, and against itself."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import connection

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import stamp, twice, wire
from kouan.core.exchange.audit_batches import ReceivedBatches, SentBatches
from kouan.core.exchange.epochs import current_epoch, epoch_origin
from kouan.core.exchange.models import KeptAgreement, OutboxMessage
from kouan.core.exchange.reported import log_keys, witness_keys
from kouan.core.exchange.witnesses import verifier_keys
from kouan.core.ledger.audit import LedgerAudit
from kouan.core.ledger.findings import Findings
from kouan.core.ledger.models import TimeStamp
from kouan.core.trust.member import MemberKeys
from kouan.core.trust.queries import member_documents, members, own

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kouan.core.ledger.findings import Progress
    from kouan.core.ledger.notes import VerifierKey

_RECORDS: Final = frozenset(
    {"receipt-given", "receipt-received", "notices-sent", "notices-received", "dead-letter"}
)
_MAX_CHAIN: Final = 1 << 20


def audit(progress: Progress = lambda _done, _all: None, *, signatures: bool = False) -> Findings:
    """Recompute the whole ledger and cross-check the channel against it; return what was found.

    Reads one moment of the database and locks nothing. ``signatures`` also verifies the signature of
    every batch and receipt, which takes a fraction of a millisecond for each.
    """
    findings = Findings()
    logged = Logged()
    ours = own().public
    with _one_moment():
        LedgerAudit(
            findings,
            log_keys=[
                key
                for number in range(1, current_epoch() + 1)
                for key in log_keys(ours, origin=epoch_origin(ours.log_origin, number))
            ],
            witness_keys=_witness_keys(),
            wanted=_RECORDS,
            observe=logged.note,
            second=lambda note, at: twice.audit_note(ours, note, at=at),
        ).run(progress)
        _stamps(findings)
        _agreements(findings)
        sent = SentBatches(findings, logged, signatures=signatures)
        received = ReceivedBatches(findings, logged, signatures=signatures)
        sent.batches()
        received.batches()
        received.messages(told=sent.notices)
        sent.messages(told=received.notices)
        _undelivered(findings, logged)
    return findings


class Logged:
    """What the ledger holds besides messages, as far as the channel must be found in it.

    By hashes of this process's own (SipHash): bytes that only look alike cannot be made from outside.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._dead: set[bytes] = set()

    def note(self, kind: str, record: bytes) -> None:
        """Note an entry."""
        if kind != "dead-letter":
            self._seen.add(hash((kind, record)))
            return
        with contextlib.suppress(KouanError):
            value: Any = cbor.decode(record, max_bytes=wire.MAX_HEADER)
            if isinstance(value, dict) and isinstance(value.get("id"), bytes):
                self._dead.add(value["id"])

    def holds(self, kind: str, record: bytes) -> bool:
        """Whether the ledger has this very record, of this kind."""
        return hash((kind, record)) in self._seen

    def holds_dead(self, message: bytes) -> bool:
        """Whether the ledger says of a message, by its id, that it was undelivered."""
        return message in self._dead


@contextlib.contextmanager
def _one_moment() -> Iterator[None]:
    """Read the database as it is now, whatever is written meanwhile."""
    if connection.in_atomic_block:
        yield
        return
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED" if sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


def _witness_keys() -> dict[str, list[VerifierKey]]:
    """Return the keys of every witness by name, also those of documents that were replaced."""
    keys = {name: [key] for name, key in verifier_keys().items()}
    for member in members():
        for document in member_documents(member.side):
            with contextlib.suppress(KouanError):
                old = MemberKeys.from_bytes(document)
                keys[old.witness_name] += witness_keys(old)
    return keys


def _stamps(findings: Findings) -> None:
    for row in TimeStamp.objects.select_related("checkpoint").order_by("pk").iterator(chunk_size=200):
        findings.stamps += 1
        where = f"time-stamp {row.checkpoint.size}"
        try:
            chain: Any = cbor.decode(bytes(row.chain), max_bytes=_MAX_CHAIN, max_depth=1)
            found = stamp.verify(
                bytes(row.token),
                digest=hashlib.sha256(row.checkpoint.note.encode()).digest(),
                roots=chain[-1:],
            )
        except (KouanError, TypeError):
            findings.wrong(where, "stamp")
            continue
        findings.check((found.at, list(found.chain)) == (row.at, chain), where, "stamp")


def _agreements(findings: Findings) -> None:
    for row in KeptAgreement.objects.order_by("pk"):
        holds = hashlib.sha256(bytes(row.source)).digest() == bytes(row.digest)
        findings.check(holds, f"agreement {row.agreement}", "agreement")


def _undelivered(findings: Findings, logged: Logged) -> None:
    """Messages that never left have no batch; those that failed are in the ledger as dead letters."""
    states = OutboxMessage.State
    failed = [states.REFUSED, states.EXPIRED, states.CANCELLED]
    rows = OutboxMessage.objects.filter(state__in=failed, reported=True).values_list("message_id", flat=True)
    for message in rows.iterator(chunk_size=2000):
        findings.check(
            logged.holds_dead(message.bytes), f"message {settings.NODE.side} {message}", "dead-letter"
        )
    stray = OutboxMessage.objects.filter(batch__isnull=True)
    waiting = [states.WAITING, states.EXPIRED, states.CANCELLED]
    for message in stray.exclude(state__in=waiting).values_list("message_id", flat=True)[:1000]:
        findings.wrong(f"message {settings.NODE.side} {message}", "state")
    for message in stray.filter(ledger_index__isnull=False).values_list("message_id", flat=True)[:1000]:
        findings.wrong(f"message {settings.NODE.side} {message}", "entry")
