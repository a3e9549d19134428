"""What persons ask to have erased, and what came of it; kept on both sides."""

from __future__ import annotations

import uuid

from django.db import models

from kouan.apps.dataflow.models.consents import DataConsent


class ErasureRequest(models.Model):
    """A person's request to erase on the importer's side what crossed under one consent or notice."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    consent = models.ForeignKey(DataConsent, models.PROTECT, related_name="erasures")
    message_id = models.UUIDField(null=True)
    """The message that put it before the other side; on that side, the one that brought it."""
    asked_at = models.DateTimeField()
    due_on = models.DateField()
    """The last day for the answer, by the rules of the importer's side."""
    state = models.CharField(max_length=16)
    """``asked``, ``erased``, ``refused``, or ``failed``: the other side could not take the request."""
    reason = models.CharField(max_length=64, default="")
    """For which reason of the importer's rules it was refused, by id; or why it could not be taken."""
    words = models.CharField(max_length=400, default="")
    """What the officer adds, for the person to read."""
    records = models.PositiveIntegerField(default=0)
    """How many records were erased for it."""
    answered_at = models.DateTimeField(null=True)
    receipt = models.BinaryField(null=True)
    """The answer as the importer's side signed it (COSE_Sign1 over JSON)."""

    class Meta:
        indexes = [models.Index(fields=["state", "due_on"], name="dataflow_erasure_open")]
        constraints = [
            models.UniqueConstraint(
                fields=["consent"], condition=models.Q(state="asked"), name="dataflow_erasure_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.state}"
