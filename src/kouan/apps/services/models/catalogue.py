"""The services of both sides, version by version."""

from __future__ import annotations

from django.db import models


class ServiceVersion(models.Model):
    """One version of a service: this side's own, or as another side published it."""

    class State(models.TextChoices):
        DRAFT = "draft"
        """Only this side sees it; it can be tried and replaced."""
        PUBLISHED = "published"
        REPLACED = "replaced"
        """A later version is published; cases under it keep it."""
        WITHDRAWN = "withdrawn"
        """Nobody can apply any more; cases under it go on."""

    side = models.CharField(max_length=16)
    service = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    digest = models.BinaryField(unique=True, max_length=32)
    """SHA-256 over ``body``."""
    state = models.CharField(max_length=16, choices=State.choices)
    department = models.CharField(max_length=64)
    category = models.CharField(max_length=32)
    audiences = models.CharField(max_length=200)
    """Codes with spaces around each, so that one can be looked for: `` resident student ``."""
    events = models.CharField(max_length=400)
    homes = models.CharField(max_length=300)
    """The sides whose residents may apply, written in the same way."""
    by = models.CharField(max_length=150)
    """Of this side's own: who last drafted, published or withdrew it."""
    drafted_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    """When it was replaced or withdrawn."""
    told_at = models.DateTimeField(null=True)
    """Of another side's: when it last said that this is what it publishes."""
    body = models.BinaryField()
    """The canonical JSON (``definition.model``); last, so that filters read a row without it."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["side", "service", "version"], name="services_one_version"),
            models.UniqueConstraint(
                fields=["side", "service"],
                condition=models.Q(state="published"),
                name="services_one_published",
            ),
            models.UniqueConstraint(
                fields=["side", "service"],
                condition=models.Q(state="draft"),
                name="services_one_draft",
            ),
        ]
        indexes = [models.Index(fields=["state", "side", "category"], name="services_shown")]

    def __str__(self) -> str:
        return f"{self.side}:{self.service} {self.version}"


class ServiceText(models.Model):
    """The words by which a published version is found, folded (``catalogue.folding``), each once.

    What a search sorts by stands here too: a version's own row is long, and a search looks at thousands.
    """

    version = models.OneToOneField(ServiceVersion, on_delete=models.CASCADE, primary_key=True)
    side = models.CharField(max_length=16)
    category = models.CharField(max_length=32)
    service = models.CharField(max_length=64)
    near = models.PositiveIntegerField()
    """Where in ``text``, in characters counted from one, the title's words end and other names' begin."""
    rest = models.PositiveIntegerField()
    """Where all others begin."""
    text = models.TextField()
    """A space before each word: so a word's beginning is found by itself, and the first place says
    how much it weighs."""

    def __str__(self) -> str:
        return self.text[:60]


class CatalogueTold(models.Model):
    """When another side was last told which services this one publishes, and of which list."""

    peer = models.CharField(max_length=16, unique=True)
    digest = models.BinaryField(max_length=32)
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.peer


class CatalogueHeard(models.Model):
    """The list of another side that is being heard, or was heard last."""

    side = models.CharField(max_length=16, unique=True)
    at = models.BigIntegerField()
    """When the other side made it, in seconds since 1970."""
    count = models.PositiveIntegerField()
    """How many parts it has."""
    parts = models.JSONField()
    """Each part that is here: its number, and its lines as (service, version, digest in hexadecimal)."""
    heard_at = models.DateTimeField(null=True)
    """When the last part came; empty while some are missing."""

    def __str__(self) -> str:
        return f"{self.side} {self.at}"
