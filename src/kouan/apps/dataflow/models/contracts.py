"""Contracts between an institution of this side and one of another, each version a row, and their filings."""

from __future__ import annotations

import uuid

from django.db import models


class Contract(models.Model):
    """One version of a contract's terms, and who has signed it."""

    contract = models.UUIDField(default=uuid.uuid4)
    """The contract's number, the same for all its versions and on both sides."""
    version = models.PositiveSmallIntegerField()
    peer = models.CharField(max_length=16)
    """The side of the other party."""
    terms = models.BinaryField()
    """The canonical JSON (RFC 8785)."""
    digest = models.BinaryField(max_length=32, unique=True)
    state = models.CharField(max_length=16)
    """One of ``domain.State``."""
    exporter = models.CharField(max_length=90)
    """The exporter's code; with the importer's, whose contract it is."""
    importer = models.CharField(max_length=90)
    effective = models.DateField()
    expires = models.DateField()
    created_at = models.DateTimeField()
    signed_here = models.BinaryField(null=True)
    """This side's signed statement (COSE_Sign1); who signed stands in it."""
    signed_there = models.BinaryField(null=True)
    reason = models.CharField(max_length=400, default="")
    """Why one side refused or ended it, in that side's words."""
    ended_on = models.DateField(null=True)
    """The first day on which it no longer counts."""
    ended_by = models.CharField(max_length=16, default="")
    message_id = models.UUIDField(null=True)
    """The message that brought it here, or took it to the other side; once it was answered, the answer."""
    department = models.CharField(max_length=64, default="")
    """The department of this side whose officers look after it; while it is nobody's, those of each. It never
    crosses."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "version"], name="dataflow_contract_version")
        ]
        indexes = [
            models.Index(fields=["exporter", "importer", "state"], name="dataflow_contract_parties"),
            models.Index(fields=["state", "expires"], name="dataflow_contract_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.contract} v{self.version}"


class Filing(models.Model):
    """That a version has to be filed with a side's authority, and whether it has been."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="filings")
    side = models.CharField(max_length=16)
    counted_from = models.DateField(null=True)
    """The day after which the working days begin to count."""
    due_on = models.DateField()
    uncertain = models.BooleanField(default=False)
    """Whether this node had no calendar of that side for some of those days, and counted each of them."""
    filed_on = models.DateField(null=True)
    reference = models.CharField(max_length=64, default="")
    """The authority's number for it."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "side"], name="dataflow_filing_side")]

    def __str__(self) -> str:
        return f"{self.contract} {self.side}"


class SignedPaper(models.Model):
    """A version as PDF with the officers' signatures in it; apart from it, so that lists need not read it."""

    contract = models.OneToOneField(Contract, models.CASCADE, related_name="paper")
    data = models.BinaryField()

    def __str__(self) -> str:
        return str(self.contract)
