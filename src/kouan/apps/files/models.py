"""Files that were sent and received, by their names; the bytes lie with the exchange."""

from __future__ import annotations

from django.db import models


class SentFile(models.Model):
    """A file that this side sent."""

    message_id = models.UUIDField(unique=True)
    peer = models.CharField(max_length=16)
    name = models.CharField(max_length=120)
    size = models.BigIntegerField()
    sha256 = models.BinaryField()
    sent_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class ReceivedFile(models.Model):
    """A file that another side sent, and that is complete."""

    message_id = models.UUIDField()
    peer = models.CharField(max_length=16)
    blob_id = models.UUIDField()
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.BinaryField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["peer", "message_id"], name="received_file_once")]

    def __str__(self) -> str:
        return self.name
