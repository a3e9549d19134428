"""What institutions' own systems show to act for them, and what they have sent under which key."""

from __future__ import annotations

from django.db import models

from kouan.apps.dataflow.models.records import Record
from kouan.web.tokens import ProgramToken


class InstitutionAccess(ProgramToken):
    """A token of an institution that is a party to contracts."""

    institution = models.CharField(max_length=64)
    """The party's code, as contracts name it."""

    class Meta:
        indexes = [models.Index(fields=["institution", "prefix"], name="dataflow_access_prefix")]

    def __str__(self) -> str:
        return f"{self.institution} {self.prefix}…"


class SentOnce(models.Model):
    """That an institution has sent a record under a key, so that the same try again sends nothing."""

    institution = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    request = models.BinaryField(max_length=32)
    """A keyed digest of what was asked, which cannot be tried out without the node's secret."""
    record = models.ForeignKey(Record, models.CASCADE, null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "key"], name="dataflow_sent_once")]

    def __str__(self) -> str:
        return f"{self.institution} {self.created_at:%Y-%m-%d %H:%M}"
