"""Documents that wait for a signature from elsewhere, signed ones that are kept provable, and who signed."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from kouan.web.tokens import ProgramToken

if TYPE_CHECKING:
    from django.db.models import Index


class SigningOrder(models.Model):
    """A prepared document, from its preparation until it is signed, given up or forgotten."""

    class State(models.TextChoices):
        PREPARED = "prepared"
        SENT = "sent"
        COMPLETED = "completed"
        EXPIRED = "expired"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.CharField(max_length=150)
    """Whose order it is: an account's name, ``person:`` and a resident's key, or ``token:`` and a number."""
    form = models.CharField(max_length=8)
    """``pdf`` or ``cms``."""
    signer = models.CharField(max_length=40, default="")
    """Which signer of ``node.toml`` signed at once; empty where a wallet signs."""
    file_name = models.CharField(max_length=255)
    state = models.CharField(max_length=16, choices=State.choices, default=State.PREPARED)
    prepared = models.BinaryField()
    """The PDF with room for the signature, or the content that CMS signs; empty once it has ended."""
    start = models.PositiveIntegerField(default=0)
    end = models.PositiveIntegerField(default=0)
    digest = models.BinaryField()
    """SHA-256 of what is signed of the document."""
    attributes = models.BinaryField()
    """The signed attributes, DER: their SHA-256 is the hash that is sent."""
    certificate = models.BinaryField(default=b"")
    """DER; where it was known beforehand, the only one that may answer."""
    answer_digest = models.BinaryField(default=b"")
    """SHA-256 of the signature that completed it: the same again is no news."""
    result = models.BinaryField(default=b"")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[Index]] = [
            models.Index(fields=["state", "expires_at"], name="signing_order_due"),
            models.Index(fields=["owner", "created_at"], name="signing_order_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"


class ArchivedDocument(models.Model):
    """A signed PDF whose time-stamps are renewed before they stop proving anything."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    file_name = models.CharField(max_length=255)
    content = models.BinaryField()
    sha256 = models.BinaryField()
    """Of the content as it is; each renewal is written only over the content that it renewed."""
    renewals = models.PositiveIntegerField(default=0)
    renew_at = models.DateTimeField()
    problem = models.CharField(max_length=300, default="")
    """Why the last try failed."""
    tried_at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField()
    renewed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[Index]] = [models.Index(fields=["renew_at"], name="signing_archive_due")]

    def __str__(self) -> str:
        return self.file_name


class OfficeSignature(models.Model):
    """That a key of this side's was used: kept for good, as whoever used it answers for it."""

    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    """As an order's owner."""
    signer = models.CharField(max_length=40)
    certificate = models.BinaryField()
    """SHA-256 of the signer's certificate."""
    form = models.CharField(max_length=16)
    file_name = models.CharField(max_length=255)
    file_sha256 = models.BinaryField()
    """Of the file as it came."""
    sha256 = models.BinaryField()
    """Of the signed file; empty until it is there, and where it never came to be."""
    reason = models.CharField(max_length=200, default="")

    class Meta:
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.signer}: {self.file_name}"


class SigningAccess(ProgramToken):
    """A program's token for signing: with which keys, and whether it may look after the archive."""

    signers = models.JSONField(default=list)
    """Names of ``[[signer]]`` tables; wallets' orders need none."""
    archive = models.BooleanField(default=False)
    prefix = models.CharField(max_length=40)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.name
