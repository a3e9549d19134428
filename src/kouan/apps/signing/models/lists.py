"""Tables of trust lists."""

from __future__ import annotations

from django.db import models


class ListEdition(models.Model):
    """An edition of a side's list, as it was signed; nothing of it ever changes."""

    side = models.CharField(max_length=16)
    sequence = models.BigIntegerField()
    issued_at = models.DateTimeField()
    next_update = models.DateTimeField()
    digest = models.BinaryField(unique=True, max_length=32)
    """SHA-256 of ``jws``."""
    jws = models.TextField()
    sm2_signature = models.BinaryField(default=b"", max_length=80)
    """Detached, over the bytes of ``jws``, in DER; by the key that the edition before names, or else this
    one. Empty: none."""
    sm2_unchecked = models.BooleanField(default=False)
    """This node could not check it when the edition came: its OpenSSL has no SM2."""
    xml = models.TextField(default="")
    """As TS 119 612 XML, signed by the same officer; of this side's own list alone."""
    prepared_by = models.CharField(max_length=150, default="")
    """The account that submitted it; of this side's own list alone."""
    officer = models.CharField(max_length=150)
    """Who signed it, by the signer's certificate."""
    kept_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["side", "sequence"], name="signing_edition_once"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.sequence}"


class ListDraft(models.Model):
    """What will be the next edition of this side's list."""

    class State(models.TextChoices):
        OPEN = "open"
        SUBMITTED = "submitted"
        """Waits for a second officer."""
        PUBLISHED = "published"
        DROPPED = "dropped"

    state = models.CharField(max_length=16, choices=State, default=State.OPEN)
    entries = models.JSONField(default=list)
    """As ``lists.said`` writes them."""
    version = models.IntegerField(default=1)
    """Grows with each change: who publishes names the one that they looked at."""
    begun_by = models.CharField(max_length=150)
    begun_at = models.DateTimeField()
    submitted_by = models.CharField(max_length=150, default="")
    days = models.IntegerField(default=0)
    """Until the next update, as it was submitted."""

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class ListEvent(models.Model):
    """What an officer did to a draft."""

    draft = models.ForeignKey(ListDraft, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    what = models.CharField(max_length=16)
    """One of ``lists.drafts.Done``."""
    entry = models.CharField(max_length=40, default="")
    reason = models.CharField(max_length=300, default="")

    def __str__(self) -> str:
        return f"{self.what} {self.entry}"


class ListTold(models.Model):
    """How far another side was told of this side's list, and what it answered."""

    side = models.CharField(max_length=16, unique=True)
    sequence = models.BigIntegerField(default=0)
    """The last edition that was sent."""
    taken = models.BigIntegerField(default=0)
    """The last one that it has taken."""
    refused = models.CharField(max_length=16, default="")
    """Why it did not take the last one that it answered (``lists.changes.Arrival``); empty if it did."""
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.side} {self.taken}/{self.sequence}"


class RefusedEdition(models.Model):
    """An edition of another side that this node did not take."""

    side = models.CharField(max_length=16)
    sequence = models.BigIntegerField()
    """By its own word; 0 where it could not be read."""
    digest = models.BinaryField(max_length=32)
    why = models.CharField(max_length=16)
    """``lists.changes.Arrival``."""
    detail = models.CharField(max_length=200, default="")
    at = models.DateTimeField()
    message_id = models.UUIDField()

    class Meta:
        indexes = [models.Index(fields=["side", "at"], name="signing_refused_by_side")]

    def __str__(self) -> str:
        return f"{self.side} {self.sequence} {self.why}"


class ListKey(models.Model):
    """The SM2 key with which this side signs its list a second time."""

    public = models.BinaryField(max_length=200)
    """SubjectPublicKeyInfo, DER."""
    private = models.BinaryField(max_length=500)
    """PKCS#8, sealed (``core.vault``)."""
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"SM2 {self.made_at:%Y-%m-%d}"
