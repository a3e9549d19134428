"""What the ledger keeps.

Columns stand in an order that serves reading: hashes come before the long ones, so that a proof
need not walk over bodies.
"""

from __future__ import annotations

from django.db import models

HASH = 32


class LedgerHead(models.Model):
    """The one row that every append takes its turn on."""

    size = models.BigIntegerField(default=0)
    frontier = models.BinaryField(default=b"")
    """``Frontier.to_bytes()`` at ``size``."""

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="ledger_head_is_one_row")]

    def __str__(self) -> str:
        return f"{self.size} entries"


class Entry(models.Model):
    """One leaf; its body can be erased, its hash stays."""

    index = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=64)
    """What the body is, for people and pages; a body that must prove its kind says so itself."""
    leaf_hash = models.BinaryField(max_length=HASH)
    salt = models.BinaryField(max_length=16, null=True)
    at = models.DateTimeField()
    record = models.BinaryField(null=True)
    """The body; null once erased."""

    class Meta:
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.index} {self.kind}"


class Tile(models.Model):
    """A complete tile: 256 consecutive hashes of one level (C2SP tlog-tiles)."""

    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    root = models.BinaryField(max_length=HASH)
    """The root over the tile: one hash of the tile above."""
    hashes = models.BinaryField(max_length=256 * HASH)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "index"], name="ledger_tile_place")]

    def __str__(self) -> str:
        return f"tile {self.level}/{self.index}"


class SignedCheckpoint(models.Model):
    """A checkpoint that this node has signed."""

    size = models.BigIntegerField(unique=True)
    root = models.BinaryField(max_length=HASH)
    note = models.TextField()
    """The checkpoint with this log's signature alone."""
    published_at = models.DateTimeField()
    cosigned_at = models.DateTimeField(null=True)
    """When the first cosignature arrived."""

    class Meta:
        indexes = [
            models.Index(
                fields=["size"],
                condition=models.Q(cosigned_at__isnull=False),
                name="ledger_checkpoint_cosigned",
            )
        ]

    def __str__(self) -> str:
        return f"checkpoint {self.size}"


class Cosignature(models.Model):
    """A witness's line under one of this node's checkpoints."""

    checkpoint = models.ForeignKey(SignedCheckpoint, on_delete=models.PROTECT, related_name="cosignatures")
    witness = models.CharField(max_length=255)
    line = models.TextField()
    at = models.DateTimeField()
    """The time that the witness signed."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="ledger_cosignature_once"),
        ]
        indexes = [models.Index(fields=["witness", "checkpoint"], name="ledger_cosignature_witness")]

    def __str__(self) -> str:
        return f"{self.witness} on {self.checkpoint_id}"


class TimeStamp(models.Model):
    """A time-stamping authority's word (RFC 3161) that a checkpoint of ours existed at a time."""

    checkpoint = models.OneToOneField(SignedCheckpoint, on_delete=models.PROTECT, related_name="stamp")
    token = models.BinaryField()
    """The token over the SHA-256 of the checkpoint's ``note``."""
    chain = models.BinaryField()
    """The certificates from the authority's own to the one that was trusted: a CBOR array of DER."""
    authority = models.CharField(max_length=200)
    at = models.DateTimeField()
    """The time in the token."""
    stored_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"stamp on {self.checkpoint_id}"


class Helper(models.Model):
    """How it goes with a service beside the peers: a witness by its key's name, or ``time-stamp``."""

    name = models.CharField(max_length=255, unique=True)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, default="")
    """Why the last try failed; empty when it went well."""

    def __str__(self) -> str:
        return self.name


class WitnessedLog(models.Model):
    """The latest checkpoint of another side's ledger that this node has co-signed."""

    origin = models.CharField(max_length=255, unique=True)
    size = models.BigIntegerField(default=0)
    root = models.BinaryField(max_length=HASH)
    note = models.TextField(default="")
    """With the log's signature and this node's cosignature; empty before the first."""
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.origin} at {self.size}"


class WitnessedCheckpoint(models.Model):
    """Every size of another side's ledger that this node has co-signed: what it cannot take back."""

    log = models.ForeignKey(WitnessedLog, on_delete=models.PROTECT, related_name="history")
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=HASH)
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "size"], name="ledger_witnessed_once")]

    def __str__(self) -> str:
        return f"checkpoint {self.size}"


class Equivocation(models.Model):
    """Two checkpoints that another side's ledger signed and that do not go together.

    One size with two roots proves it. An offer without a proof that holds is a suspicion: it stands
    until the same offer comes with one.
    """

    class Finding(models.TextChoices):
        SAME_SIZE = "same-size", "one size, two roots"
        INCONSISTENT = "inconsistent", "the offered proof does not lead from the kept to the offered"

    log = models.ForeignKey(WitnessedLog, on_delete=models.PROTECT, related_name="equivocations")
    finding = models.CharField(max_length=16, choices=Finding.choices)
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=HASH)
    """The size and the root offered."""
    kept_note = models.TextField()
    offered_note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            # The same offer again is not news.
            models.UniqueConstraint(fields=["log", "size", "root"], name="ledger_equivocation_once"),
        ]

    def __str__(self) -> str:
        return f"{self.finding} at {self.size}"
