"""What departments of this side hold of persons, and each change of it."""

from __future__ import annotations

import uuid

from django.db import models

from kouan.apps.evidence.domain import Change, State

_STATES = [(each.value, each.value) for each in State]
_CHANGES = [(each.value, each.value) for each in Change]


class EvidenceRecord(models.Model):
    """One piece of evidence that a department holds for one person."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    type = models.CharField(max_length=64)
    department = models.CharField(max_length=64)
    """As the type had it when the record was put in."""
    reference = models.CharField(max_length=64)
    """What the department itself calls it."""
    person = models.BinaryField(max_length=32)
    """A keyed digest of the kind and number of the person's document, which cannot be tried out without the
    node's secret; of the number alone where ``document`` is empty."""
    document = models.CharField(max_length=32, default="")
    """The kind of that document (``core.sides.DocumentFormat.code``); empty: from before it was asked for."""
    claims = models.BinaryField()
    """Sealed JSON."""
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)
    """Its last day; none for one that has no end."""
    state = models.CharField(max_length=12, choices=_STATES, default=State.VALID.value)
    version = models.IntegerField(default=1)
    """Grows when it is replaced."""
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["type", "reference"], name="evidence_record_once")]
        indexes = [
            models.Index(fields=["person", "type"], name="evidence_record_person"),
            models.Index(fields=["department", "-changed_at"], name="evidence_record_department"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.reference}"


class RecordChange(models.Model):
    """That a record was put in or changed: what, when, by whom and why; never what it says."""

    record = models.ForeignKey(EvidenceRecord, models.CASCADE, related_name="changes")
    change = models.CharField(max_length=12, choices=_CHANGES)
    by = models.CharField(max_length=150)
    """An officer's account, or a department's system by its token's first characters."""
    reason = models.CharField(max_length=300, default="")
    version = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["record", "at"], name="evidence_change_record")]

    def __str__(self) -> str:
        return f"{self.record} {self.change}"
