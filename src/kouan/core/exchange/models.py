"""The channel's state: what waits to go, what was sealed, what came in, and every receipt.

A message's body is a row of its own: the message's row is written anew at each step of its way. What one
transaction writes together has no foreign key between it: to look each of them up takes as long as to insert.
"""

from __future__ import annotations

from django.db import models
from django.utils.functional import cached_property

from kouan.core.exchange.contents import InboxBody, OutboxBody  # noqa: F401 - tables of this app, like those below
from kouan.core.exchange.untold import UntoldFailure  # noqa: F401 - a table of this app, like those below


class Stream(models.Model):
    """The two gapless sequences with one peer, and how the line to it is."""

    peer = models.CharField(max_length=16, unique=True)
    out_sequence = models.BigIntegerField(default=0)
    out_last = models.BinaryField(default=bytes(32))
    """Digest of the last statement that we signed for the peer."""
    in_sequence = models.BigIntegerField(default=0)
    in_last = models.BinaryField(default=bytes(32))
    """Digest of the peer's last statement that we took in."""
    out_at = models.BigIntegerField(default=0)
    in_at = models.BigIntegerField(default=0)
    """The latest time that a statement of ours, or of the peer, gave as its own: milliseconds since 1970."""
    credits = models.BigIntegerField(null=True)
    last_contact_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, default="")
    last_error_at = models.DateTimeField(null=True)
    witness_error = models.CharField(max_length=300, default="")

    def __str__(self) -> str:
        return self.peer


class Batch(models.Model):
    """A sealed batch of ours: sent again, byte for byte, until its receipt is here."""

    peer = models.CharField(max_length=16)
    first = models.BigIntegerField()
    count = models.IntegerField()
    root = models.BinaryField()
    statement = models.BinaryField()
    statement_digest = models.BinaryField(unique=True)
    leaves = models.BinaryField()
    wire = models.BinaryField(null=True)
    wire_bytes = models.IntegerField()
    sealed_at = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    receipt = models.BinaryField(null=True)
    receipted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["peer", "id"], name="batch_unreceipted", condition=models.Q(receipt__isnull=True)
            ),
            models.Index(fields=["peer", "first"], name="batch_numbers"),
            models.Index(fields=["peer", "sealed_at"], name="batch_days"),
        ]

    def __str__(self) -> str:
        return f"{self.peer} {self.first}+{self.count}"


class OutboxMessage(models.Model):
    """A message of ours on its way, and what became of it."""

    class State(models.TextChoices):
        """Where a message of ours stands."""

        WAITING = "waiting"
        SEALED = "sealed"
        ACCEPTED = "accepted"
        HANDLED = "handled"
        REFUSED = "refused"
        EXPIRED = "expired"
        CANCELLED = "cancelled"

    message_id = models.UUIDField(unique=True)
    peer = models.CharField(max_length=16)
    type = models.CharField(max_length=80)
    version = models.IntegerField()
    conversation = models.UUIDField(db_index=True)
    agreement = models.CharField(max_length=80)
    agreement_digest = models.BinaryField()
    clause = models.CharField(max_length=40)
    consent = models.CharField(max_length=80, null=True)  # noqa: DJ001 - the wire tells no consent from an empty one
    size = models.IntegerField()
    """How many bytes its body has; 0 once it was erased."""
    body_digest = models.BinaryField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    code = models.CharField(max_length=64, default="")
    reported = models.BooleanField(default=False)
    """Whether it is logged that it failed, and its app told; or to be told again (``UntoldFailure``)."""
    dismissed = models.BooleanField(default=False)
    """Whether an operator has put this dead letter away."""
    retry_of = models.UUIDField(null=True)
    batch = models.ForeignKey(Batch, models.PROTECT, null=True, related_name="messages", db_constraint=False)
    position = models.IntegerField(null=True)
    sequence = models.BigIntegerField(null=True)
    header = models.BinaryField(null=True)
    ciphertext_digest = models.BinaryField(null=True)
    ledger_index = models.BigIntegerField(null=True)
    peer_ledger_index = models.BigIntegerField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "reported", "id"], name="outbox_state"),
            models.Index(fields=["peer", "id"], name="outbox_line", condition=models.Q(state="waiting")),
            # With the state in it, SQLite takes it rather than the index on states alone.
            models.Index(
                fields=["state", "expires_at"], name="outbox_expiry", condition=models.Q(state="waiting")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"

    @cached_property
    def body(self) -> bytes:
        """Return what is sealed, salt and payload; nothing if it is no longer known."""
        return bytes(self.content.body) if hasattr(self, "content") else b""


class ReceivedBatch(models.Model):
    """A peer's batch, with the receipt we gave: the same bytes again for the same batch again."""

    peer = models.CharField(max_length=16)
    first = models.BigIntegerField()
    count = models.IntegerField()
    root = models.BinaryField()
    statement = models.BinaryField()
    statement_digest = models.BinaryField(unique=True)
    leaves = models.BinaryField()
    wire_bytes = models.IntegerField()
    receipt = models.BinaryField()
    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["peer", "first"], name="received_batch_numbers")]

    def __str__(self) -> str:
        return f"{self.peer} {self.first}+{self.count}"


class InboxMessage(models.Model):
    """A peer's message, accepted or refused at the door, and what our handler made of it."""

    class State(models.TextChoices):
        """Where a peer's message stands with us."""

        WAITING = "waiting"
        HANDLED = "handled"
        REFUSED = "refused"
        FAILED = "failed"

    peer = models.CharField(max_length=16)
    message_id = models.UUIDField()
    type = models.CharField(max_length=80)
    version = models.IntegerField()
    conversation = models.UUIDField(db_index=True)
    agreement = models.CharField(max_length=80)
    clause = models.CharField(max_length=40)
    header = models.BinaryField()
    header_digest = models.BinaryField()
    ciphertext_digest = models.BinaryField()
    size = models.IntegerField(null=True)
    """How many bytes its body has; none is kept of what was refused at the door, or erased later."""
    created_at = models.DateTimeField()
    received_at = models.DateTimeField()
    batch = models.ForeignKey(ReceivedBatch, models.PROTECT, related_name="messages", db_constraint=False)
    position = models.IntegerField()
    sequence = models.BigIntegerField()
    ledger_index = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    code = models.CharField(max_length=64, default="")
    attempts = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    notified = models.BooleanField(default=False)
    """Whether the sender has been told how the message ended, or need not be told yet (``LATER``)."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message_id", "peer"], name="inbox_once")]
        indexes = [
            models.Index(fields=["state", "id"], name="inbox_state"),
            # The few that wait for a moment to come, behind which the rest of a conversation waits.
            models.Index(
                fields=["next_attempt_at"],
                name="inbox_held",
                condition=models.Q(state="waiting", next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["peer", "id"],
                name="inbox_to_notify",
                condition=models.Q(notified=False, state__in=["handled", "refused"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"

    @cached_property
    def body(self) -> bytes | None:
        """Return what was opened, salt and payload; none of what was refused at the door, or erased."""
        return bytes(self.content.body) if hasattr(self, "content") else None


class Incident(models.Model):
    """Something a peer should never do: kept, shown to the operator, never overwritten."""

    peer = models.CharField(max_length=16)
    kind = models.CharField(max_length=64)
    detail = models.CharField(max_length=500)
    evidence = models.BinaryField(default=bytes)
    counterpart = models.BinaryField(default=bytes)
    """What this side holds that the evidence contradicts; empty if it stands alone."""
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=150, default="")
    remark = models.TextField(default="")
    """What the operator who acknowledged it wrote down."""

    class Meta:
        indexes = [
            models.Index(fields=["peer", "kind", "detail"], name="incident_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.peer}"


class KeptAgreement(models.Model):
    """The text of an agreement that this node has held: evidence needs it when its file is long gone."""

    digest = models.BinaryField(unique=True, max_length=32)
    agreement = models.CharField(max_length=80)
    source = models.BinaryField()
    """The deterministic CBOR, or a contract's canonical JSON, whose SHA-256 is ``digest``."""
    kept_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.agreement


class Reconciliation(models.Model):
    """One comparison with a peer of what each sent and received on one day."""

    class State(models.TextChoices):
        """How far it is."""

        UNDER_WAY = "under-way"
        AGREES = "agrees"
        DIFFERS = "differs"
        FAILED = "failed"

    run = models.UUIDField(unique=True)
    peer = models.CharField(max_length=16)
    day = models.DateField()
    """In UTC+8."""
    started_by = models.CharField(max_length=16)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.UNDER_WAY)
    code = models.CharField(max_length=64, default="")
    """Why it failed."""
    streams = models.JSONField(default=dict)
    """For each stream, by its sender: ``first``, ``last``, ``count`` and ``settled``, in messages."""
    unnamed = models.IntegerField(default=0)
    """How many numbers lie in ranges that differ and were not narrowed down to messages."""

    class Meta:
        indexes = [models.Index(fields=["peer", "day"], name="reconciliation_day")]

    def __str__(self) -> str:
        return f"{self.peer} {self.day}"


class Difference(models.Model):
    """One message on which the two sides' records differ."""

    class What(models.TextChoices):
        """What differs."""

        NOT_RECEIVED = "not-received"
        NOT_SENT = "not-sent"
        OTHER_CONTENT = "other-content"
        OTHER_OUTCOME = "other-outcome"

    reconciliation = models.ForeignKey(Reconciliation, models.CASCADE, related_name="differences")
    stream = models.CharField(max_length=16)
    """The side that sends in it."""
    number = models.BigIntegerField()
    message_id = models.UUIDField()
    what = models.CharField(max_length=16, choices=What)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reconciliation", "stream", "number", "message_id"], name="difference_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.message_id}"


class ReconciliationStep(models.Model):
    """A peer's part of a comparison that waits to be looked at, beside the channel's own work."""

    reconciliation = models.ForeignKey(Reconciliation, models.CASCADE, related_name="steps")
    payload = models.BinaryField()
    opening = models.BooleanField()

    def __str__(self) -> str:
        return f"step {self.pk} of {self.reconciliation_id}"


class Channel(models.Model):
    """Whether messages go to and come from one peer, and why not; see ``recovery``."""

    class Cause(models.TextChoices):
        """Why a channel is halted."""

        RESTORED = "restored"
        """The peer has proved that this node has forgotten something: its database is an older one."""
        PEER_RESTORED = "peer-restored"
        """The peer says that it has found that about itself."""
        ASKED = "asked"
        """An operator here wants to resynchronise."""
        PEER_ASKED = "peer-asked"
        """An operator there does."""

    peer = models.CharField(max_length=16, unique=True)
    cause = models.CharField(max_length=16, choices=Cause, default="", blank=True)
    """Empty while the channel is open."""
    since = models.DateTimeField(null=True)
    detail = models.JSONField(default=dict)
    """What is missing: sizes and numbers, as ``halts.Loss`` has them."""
    evidence = models.BinaryField(default=bytes)
    """The peer's signed standing, when it was first heard after the halt: what it proves is proved by it."""
    ours = models.BinaryField(default=bytes)
    """Our operator's signed agreement to resynchronise."""
    theirs = models.BinaryField(default=bytes)
    delivered = models.BooleanField(default=False)
    """Whether the peer is known to hold ``ours``."""
    batch_floor = models.BigIntegerField(default=0)
    """The newest batch of ours of before the streams last began anew: receipts up to it may be forgotten."""
    log_epoch = models.IntegerField(default=1)
    """Which of the peer's ledgers we co-sign: the first, or one begun after a restoration."""

    def __str__(self) -> str:
        return f"{self.peer} {self.cause or 'open'}"


class LedgerEpoch(models.Model):
    """A ledger of ours that goes on where a restored database ended: under a name of its own."""

    number = models.IntegerField(unique=True)
    size = models.BigIntegerField()
    """How many entries it shares with the one before."""
    begun_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"ledger {self.number}"
