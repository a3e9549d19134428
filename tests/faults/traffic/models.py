"""What the traffic leaves behind: what this side announced, and what it did about the other side's."""

from __future__ import annotations

from django.db import models


class Step(models.Model):
    """A step that this side announced: written in the transaction that queued its message."""

    message_id = models.UUIDField()
    to = models.CharField(max_length=16)
    conversation = models.UUIDField()
    number = models.IntegerField()
    echo = models.BooleanField()

    def __str__(self) -> str:
        return f"{self.conversation} {self.number}"


class Effect(models.Model):
    """What the handler did about a step. Nothing is unique: a second effect would stand beside the first."""

    message_id = models.UUIDField()
    sender = models.CharField(max_length=16)
    conversation = models.UUIDField()
    number = models.IntegerField()
    echo = models.BooleanField()

    def __str__(self) -> str:
        return f"{self.conversation} {self.number}"
