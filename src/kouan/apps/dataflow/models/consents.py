"""What institutions ask of persons, and what the persons agreed to."""

from __future__ import annotations

import uuid

from django.db import models


class ConsentRequest(models.Model):
    """An institution's request to one of its customers, open until the person answers or its time is over."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    contract = models.UUIDField()
    institution = models.CharField(max_length=64)
    reference = models.CharField(max_length=64)
    """What the institution itself knows the customer by; it never crosses."""
    document_salt = models.BinaryField(max_length=32)
    document_digest = models.BinaryField(max_length=32)
    """Whose identity document it is, hardened; the number itself is kept nowhere."""
    elements = models.JSONField()
    purposes = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["institution", "reference"], name="dataflow_request_customer")]

    def __str__(self) -> str:
        return str(self.key)


class DataConsent(models.Model):
    """A person's word that certain kinds of data may go under a contract; kept on both sides."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    contract = models.UUIDField()
    peer = models.CharField(max_length=16)
    """The side that the data goes to; on that side, the one that it comes from."""
    person = models.CharField(max_length=64, default="")
    """Who gave it, as this side's identities know them; of a notice, a keyed digest of their document's
    number (``notices.about``); empty on the other side."""
    notice = models.BooleanField(default=False)
    """Whether the person was only told: the law lets it cross without their consent."""
    subject = models.CharField(max_length=64)
    """What the other party knows the person by: another for each contract."""
    request = models.ForeignKey(ConsentRequest, models.SET_NULL, null=True)
    elements = models.JSONField()
    separate = models.JSONField(default=list)
    """The sensitive kinds, each of which was ticked by itself."""
    purposes = models.JSONField()
    level = models.PositiveSmallIntegerField()
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    receipt = models.BinaryField()
    """The receipt (ISO/IEC TS 27560) as the side where it was given signed it (COSE_Sign1 over JSON)."""

    class Meta:
        indexes = [
            models.Index(fields=["person", "given_at"], name="dataflow_consent_person"),
            models.Index(fields=["contract", "subject"], name="dataflow_consent_subject"),
            models.Index(
                fields=["withdrawn_at"],
                name="dataflow_consent_withdrawn",
                condition=models.Q(withdrawn_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What a message that relies on it names."""
        return f"dataflow:{self.key}"
