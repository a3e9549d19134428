"""What this app keeps: the attached systems, what they sent, what waits for them, and their webhooks."""

from __future__ import annotations

import uuid

from django.db import models

from kouan.apps.attached.domain import MessageEnd
from kouan.web.tokens import TokenRow


class System(models.Model):
    """A department's own system on this side: what it may send and receive, and how it is told."""

    name = models.CharField(max_length=40, unique=True)
    department = models.CharField(max_length=200)
    """In the words of the operator; shown to operators only."""
    may_send = models.JSONField(default=list)
    may_receive = models.JSONField(default=list)
    """Message types, by name, in all their versions."""
    by_nats = models.BooleanField(default=False)
    """Whether messages for it are also published over NATS, and its own taken from there."""
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    webhook_url = models.CharField(max_length=500, default="")
    webhook_secret = models.BinaryField(null=True)
    """Sealed under a key that is derived from the node's secret; see ``vault``."""
    webhook_failing_since = models.DateTimeField(null=True)
    webhook_disabled_at = models.DateTimeField(null=True)
    webhook_disabled_why = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return self.name


class SystemToken(TokenRow):
    """What a system shows to be known. It ends by itself once it has a successor."""

    system = models.ForeignKey(System, models.CASCADE, related_name="tokens")

    def __str__(self) -> str:
        return f"{self.system} {self.prefix}…"


class Sent(models.Model):
    """A message that a system sent, under the key by which it may try again; kept as long as the message."""

    system = models.ForeignKey(System, models.PROTECT, related_name="sent")
    key = models.CharField(max_length=200)
    body_digest = models.BinaryField(max_length=32)
    """SHA-256 over the deterministic CBOR of the request."""
    answer = models.BinaryField()
    """The answer's body, to be given again byte for byte."""
    message_id = models.UUIDField(unique=True)
    created_at = models.DateTimeField()
    told = models.CharField(max_length=10, default="waiting")
    """The last state of which the system has been told."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "key"], name="attached_sent_once")]
        indexes = [models.Index(fields=["told", "id"], name="attached_sent_told")]

    def __str__(self) -> str:
        return f"{self.system} {self.message_id}"


class Received(models.Model):
    """A message of another side, stored for the system that handles it until it has done so."""

    system = models.ForeignKey(System, models.PROTECT, related_name="received")
    sender = models.CharField(max_length=16)
    message_id = models.UUIDField()
    type = models.CharField(max_length=80)
    version = models.IntegerField()
    conversation = models.UUIDField()
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField()
    payload = models.BinaryField()
    """Deterministic CBOR."""
    later = models.BooleanField()
    """Whether the sender is told of the end only when the system has told it."""
    state = models.CharField(
        max_length=12, choices=[(end.value, end.value) for end in MessageEnd], default=MessageEnd.WAITING
    )
    code = models.CharField(max_length=64, default="")
    """Why the system refused it, if it did."""
    leased_until = models.DateTimeField(null=True)
    handed_out = models.IntegerField(default=0)
    """How often it was handed to the system."""
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sender", "message_id"], name="attached_received_once")
        ]
        indexes = [
            models.Index(fields=["system", "state", "id"], name="attached_received_line"),
            models.Index(fields=["conversation", "state", "id"], name="attached_received_order"),
        ]

    def __str__(self) -> str:
        return f"{self.system} {self.message_id}"


class Delivery(models.Model):
    """One event for one webhook: the same id and the same bytes at each try."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given-up"

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    system = models.ForeignKey(System, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=20)
    message_id = models.UUIDField()
    body = models.BinaryField()
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    failures = models.IntegerField(default=0)
    next_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "next_at"], name="attached_delivery_due"),
            models.Index(fields=["system", "-id"], name="attached_delivery_log"),
        ]

    def __str__(self) -> str:
        return self.webhook_id

    @property
    def webhook_id(self) -> str:
        """The id that the receiver de-duplicates by."""
        return f"msg_{self.key.hex}"


class Try(models.Model):
    """One try to deliver, and what came of it."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    status = models.IntegerField(null=True)
    """The HTTP status of the answer; ``None`` if none came."""
    problem = models.CharField(max_length=64, default="")
    milliseconds = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.delivery} {self.status or self.problem}"
