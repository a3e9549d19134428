"""Files on their way: those that we sealed, and those that we are to fetch or have."""

from __future__ import annotations

from django.db import models


class SentBlob(models.Model):
    """A file of ours, sealed for one side; its sealed bytes lie in ``blobs/out`` under its id."""

    class State(models.TextChoices):
        """Where a file of ours stands."""

        SEALING = "sealing"
        READY = "ready"
        SENT = "sent"
        GONE = "gone"

    blob_id = models.UUIDField(unique=True)
    peer = models.CharField(max_length=16)
    message_id = models.UUIDField(null=True, db_index=True)
    type = models.CharField(max_length=80, default="")
    size = models.BigIntegerField(default=0)
    sealed_size = models.BigIntegerField()
    sha256 = models.BinaryField(default=bytes)
    served = models.IntegerField(default=0)
    """How many chunks, from the first, the peer has been handed at least once."""
    state = models.CharField(max_length=8, choices=State, default=State.SEALING)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["peer", "state"], name="sent_blob_room")]

    def __str__(self) -> str:
        return f"{self.peer} {self.blob_id}"


class ReceivedBlob(models.Model):
    """A file that a peer's message names; its sealed bytes lie in ``blobs/in`` under a name of our own."""

    class State(models.TextChoices):
        """Where a peer's file stands with us."""

        FETCHING = "fetching"
        HERE = "here"
        FAILED = "failed"
        GONE = "gone"

    peer = models.CharField(max_length=16)
    message_id = models.UUIDField()
    blob_id = models.UUIDField()
    file = models.UUIDField(unique=True)
    type = models.CharField(max_length=80)
    size = models.BigIntegerField()
    sealed_size = models.BigIntegerField()
    sha256 = models.BinaryField()
    key = models.BinaryField(null=True)
    """The file's key, unwrapped; forgotten when the file is removed."""
    chunks = models.IntegerField(default=0)
    """How many chunks, from the first, are verified and durably on the disk."""
    state = models.CharField(max_length=8, choices=State, default=State.FETCHING)
    code = models.CharField(max_length=64, default="")
    error = models.CharField(max_length=300, default="")
    attempts = models.IntegerField(default=0)
    """How many tries in a row brought nothing."""
    faults = models.IntegerField(default=0)
    """How often the sender's door answered with something that is not the file."""
    next_attempt_at = models.DateTimeField()
    until = models.DateTimeField()
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["peer", "message_id", "blob_id"], name="received_blob_once")
        ]
        indexes = [
            models.Index(fields=["state", "next_attempt_at"], name="received_blob_due"),
            models.Index(fields=["peer", "state"], name="received_blob_room"),
        ]

    def __str__(self) -> str:
        return f"{self.peer} {self.blob_id}"
