"""Tables of validation: reports for a day, revocation data that came in, and programs that may ask often."""

from __future__ import annotations

import uuid

from django.db import models

from kouan.web.tokens import ProgramToken


class SignatureReport(models.Model):
    """A report on a file that somebody had validated. The file is not kept."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    """Who knows it may read the report: 122 random bits."""
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    report = models.TextField()
    """``FileReport`` as JSON, as it was made."""

    class Meta:
        ordering = ("created_at",)

    def __str__(self) -> str:
        return str(self.key)


class ReportPage(models.Model):
    """A page of the file, drawn when it was validated."""

    report = models.ForeignKey(SignatureReport, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()
    """From 1."""
    picture = models.BinaryField()
    """PNG, or SVG of an OFD page."""

    class Meta:
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=["report", "number"], name="signing_page_once")]

    def __str__(self) -> str:
        return f"{self.report_id}/{self.number}"


class RevocationData(models.Model):
    """A revocation list or an OCSP response that this node validates with; checked when used."""

    kind = models.CharField(max_length=4, choices=[("crl", "crl"), ("ocsp", "ocsp")])
    digest = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of ``data``."""
    issuer = models.CharField(max_length=300)
    this_update = models.DateTimeField()
    next_update = models.DateTimeField(null=True, db_index=True)
    """When the next one is due; after it this one is stale, and proves nothing of the present."""
    entries = models.PositiveBigIntegerField(default=0)
    received_at = models.DateTimeField()
    source = models.CharField(max_length=80)
    """The bundle that it came in: its signer's side and SHA-256."""
    data = models.BinaryField()
    """DER."""

    class Meta:
        ordering = ("issuer", "-this_update")

    def __str__(self) -> str:
        return f"{self.kind} {self.issuer}"


class ValidationAccess(ProgramToken):
    """A program's token for validating often."""

    prefix = models.CharField(max_length=40)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.name
