"""What residents agreed to: each a receipt that this node signed, and that the person can withdraw."""

from __future__ import annotations

import uuid

from django.db import models


class ConsentReceipt(models.Model):
    """A resident's word that a service may be told certain things."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    resident = models.ForeignKey("identity.Resident", models.CASCADE, related_name="consents")
    peer = models.CharField(max_length=16, default="")
    """The side of the service, where that is another."""
    service_id = models.CharField(max_length=64)
    service = models.JSONField()
    claims = models.JSONField(default=list)
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    jws = models.TextField()
    """The receipt as it was given: a compact JWS (RFC 7515) over JSON after ISO/IEC TS 27560."""

    class Meta:
        indexes = [models.Index(fields=["resident", "service_id"], name="identity_consent_service")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What a message that relies on it names."""
        return f"identity:{self.key}"
