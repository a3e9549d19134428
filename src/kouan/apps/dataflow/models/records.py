"""What crossed under contracts: on the importer's side with the data."""

from __future__ import annotations

from django.db import models

from kouan.apps.dataflow.models.consents import DataConsent


class Record(models.Model):
    """Data about one person that crossed under a contract and a consent."""

    message_id = models.UUIDField(unique=True)
    outgoing = models.BooleanField()
    contract = models.UUIDField()
    digest = models.BinaryField(max_length=32)
    """Which version of the terms it crossed under."""
    consent = models.ForeignKey(DataConsent, models.PROTECT, related_name="records")
    purpose = models.CharField(max_length=64)
    elements = models.JSONField()
    """The kinds of data; never what they are."""
    content = models.BinaryField(null=True)
    """At the importer's side, the data, sealed at rest; nothing once it was erased."""
    at = models.DateTimeField()
    erase_on = models.DateField()
    erased_at = models.DateTimeField(null=True)
    """When the importer erased it; on the exporter's side, when it said so."""
    erased_because = models.CharField(max_length=64, default="")
    untold = models.BooleanField(default=False)
    """At the importer's side, whether the exporter's has still to be told that it was erased."""

    class Meta:
        indexes = [
            models.Index(fields=["contract", "at"], name="dataflow_record_contract"),
            models.Index(fields=["outgoing", "erase_on"], name="dataflow_record_erasure"),
            models.Index(fields=["id"], name="dataflow_record_untold", condition=models.Q(untold=True)),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


class Use(models.Model):
    """That somebody on the importer's side read a record: who, when, for what. Kept on both sides."""

    key = models.UUIDField(unique=True)
    record = models.ForeignKey(Record, models.CASCADE, related_name="uses")
    reader = models.CharField(max_length=100)
    """The department or system, not the officer's name."""
    purpose = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["record", "at"], name="dataflow_use_record")]

    def __str__(self) -> str:
        return str(self.key)
