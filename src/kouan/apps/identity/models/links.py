"""That an account here and an account on another side are one person's."""

from __future__ import annotations

import uuid

from django.db import models

from kouan.apps.identity.domain import LinkState


class Link(models.Model):
    """A link as this side sees it: a resident here, and what the other side calls its resident towards us."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    """The same on both sides."""
    resident = models.ForeignKey("identity.Resident", models.CASCADE, related_name="links")
    peer = models.CharField(max_length=16)
    peer_subject = models.CharField(max_length=64, default="")
    documents = models.CharField(max_length=80)
    """The pair that shows it, such as ``hkid home-return-permit``."""
    began_here = models.BooleanField()
    state = models.CharField(max_length=8, choices=[(each.value, each.value) for each in LinkState])
    began_at = models.DateTimeField()
    cooling_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=16, default="")
    """The side on which it was ended."""

    class Meta:
        indexes = [models.Index(fields=["resident", "-id"], name="identity_link_resident")]

    def __str__(self) -> str:
        return f"{self.peer} {self.state}"


class MatchQuestion(models.Model):
    """Another side's question whether two documents are one person's, until our issuer has answered."""

    link = models.UUIDField(unique=True)
    peer = models.CharField(max_length=16)
    message_id = models.UUIDField()
    conversation = models.UUIDField()
    resident = models.ForeignKey("identity.Resident", models.CASCADE, null=True)
    documents = models.CharField(max_length=80)
    salt = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)
    """See ``linking.commitment``."""
    asked_at = models.DateTimeField()
    outcome = models.CharField(max_length=12, default="")
    answered_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.peer} {self.link} {self.outcome}"
