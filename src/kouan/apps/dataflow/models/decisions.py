"""What was decided about each thing that was to cross under a contract."""

from __future__ import annotations

from typing import Final

from django.db import models

_DENIED: Final = models.Q(allowed=False)


class Decision(models.Model):
    """One decision with the case that was judged and the rules of its day, so that it can be replayed."""

    at = models.DateTimeField()
    message_id = models.UUIDField(null=True)
    """The message, if it was let pass."""
    outgoing = models.BooleanField()
    type = models.CharField(max_length=80)
    contract = models.UUIDField(null=True)
    sender = models.CharField(max_length=16)
    receiver = models.CharField(max_length=16)
    allowed = models.BooleanField()
    code = models.CharField(max_length=64, default="")
    """Why not, as ``Denied.code``; empty where it was let pass."""
    clause = models.CharField(max_length=120)
    rules = models.JSONField(default=list)
    """The names and digests of the rules that counted."""
    case = models.JSONField()

    class Meta:
        indexes = [
            # Only what was denied is ever looked for by day or contract: what passed is found by its message.
            models.Index(fields=["at"], name="dataflow_decision_denied", condition=_DENIED),
            models.Index(fields=["contract", "at"], name="dataflow_decision_denied_under", condition=_DENIED),
            models.Index(fields=["message_id"], name="dataflow_decision_message"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.code or 'allowed'}"
