"""Records of the co-operation, and what was read in them: every value with the sentence that says it."""

from __future__ import annotations

import uuid
from typing import Final

from django.db import models

from kouan.apps.programme.domain import Act, Field, Mode, Script, State

_SCRIPTS = [(each.value, each.value) for each in Script]
_MODES = [("", ""), *((each.value, each.value) for each in Mode)]
_FIELDS = [(each.value, each.value) for each in Field]
_STATES = [(each.value, each.value) for each in State]
MODEL: Final = "model:"
"""Begins the name of what read a claim, where it was a model."""
_ACTS = [(each.value, each.value) for each in Act]


class Record(models.Model):
    """A press release, a page or minutes, as it was read in."""

    class Relation(models.TextChoices):
        """How it stands to the record that it repeats."""

        NONE = "", "none"
        NEARLY = "nearly", "nearly the same words"
        SCRIPT = "script", "the same in another script"

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    name = models.CharField(max_length=200)
    """The file's name."""
    digest = models.BinaryField(unique=True, max_length=32)
    """SHA-256 of the file."""
    media_type = models.CharField(max_length=64)
    """As its content shows, not as its name says."""
    script = models.CharField(max_length=8, choices=_SCRIPTS)
    title = models.CharField(max_length=400)
    text = models.TextField()
    """What was read, in which the claims' places are offsets in characters."""
    sketch = models.JSONField(default=list)
    """What a near copy is known by (``domain.sketch``)."""
    warnings = models.JSONField(default=list)
    """What was odd in it: ``code`` and the parameters of its sentence."""
    repeats = models.ForeignKey("self", models.SET_NULL, null=True, related_name="repeated_by")
    relation = models.CharField(max_length=8, choices=Relation, default=Relation.NONE, blank=True)
    imported_at = models.DateTimeField()
    imported_by = models.CharField(max_length=150)
    rules = models.CharField(max_length=16, default="", blank=True)
    """With which rules and dictionaries it was read last (``rereading.rules_now``)."""
    reread_at = models.DateTimeField(null=True)
    reread_by = models.CharField(max_length=150, default="", blank=True)

    class Meta:
        indexes = [models.Index(fields=["-imported_at"], name="programme_record_imported")]

    def __str__(self) -> str:
        return self.name


class Meeting(models.Model):
    """A meeting that records tell of. What it is stands in its claims; here is what they come to."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    group = models.CharField(max_length=64)
    """Its code in the dictionary of groups; of a group that is not there, a digest of its name."""
    group_name = models.CharField(max_length=200)
    """As a record writes it; of use where the dictionary has no such group."""
    number = models.IntegerField(null=True)
    date = models.CharField(max_length=10, default="", blank=True)
    """``2024-10-09``, ``2024-10``, ``2024``: as precisely as is known, and empty while sources disagree."""
    date_text = models.CharField(max_length=100, default="", blank=True)
    """What a record says of its time, in its own words."""
    place = models.CharField(max_length=64, default="", blank=True)
    """Its code in the dictionary of places; else its name as a record writes it."""
    place_text = models.CharField(max_length=200, default="", blank=True)
    """As a record writes it: "Cyberport, Hong Kong"."""
    mode = models.CharField(max_length=10, choices=_MODES, default="", blank=True)
    conflicts = models.JSONField(default=list)
    """The fields on which its sources disagree and nobody has decided."""
    shown = models.BooleanField(default=True)
    """False once every claim that it took place is rejected."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "number"],
                condition=models.Q(number__isnull=False),
                name="programme_meeting_once",
            )
        ]
        indexes = [models.Index(fields=["group", "date"], name="programme_meeting_date")]

    def __str__(self) -> str:
        return f"{self.group} {self.number or self.date}"


class ClaimQuerySet(models.QuerySet["Claim"]):
    """Claims, and which of them count."""

    def counting(self) -> ClaimQuerySet:
        """Leave out what an officer rejected, and what counts only once one confirms it."""
        return self.exclude(state=State.REJECTED.value).exclude(
            models.Q(reread=Claim.Reread.GONE) | models.Q(by__startswith=MODEL), state=State.PROPOSED.value
        )

    def sure(self) -> ClaimQuerySet:
        """Return those that wait for an officer and that the rules read, the last time too."""
        return self.counting().filter(state=State.PROPOSED.value)


class Claim(models.Model):
    """One thing that one record says, with its sentence; of a meeting, or of none."""

    class Reread(models.TextChoices):
        """What reading the record again made of it, until an officer decides."""

        NONE = "", "none"
        NEW = "new", "was not read before"
        CHANGED = "changed", "reads otherwise now"
        GONE = "gone", "is no longer read"

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    record = models.ForeignKey(Record, models.CASCADE, related_name="claims")
    meeting = models.ForeignKey(Meeting, models.CASCADE, null=True, related_name="claims")
    field = models.CharField(max_length=12, choices=_FIELDS)
    value = models.JSONField()
    """What was read: ``text`` as the record writes it, and what the field adds (``domain.VALUES``)."""
    corrected = models.JSONField(null=True)
    """What an officer put in its place."""
    identity = models.CharField(max_length=64)
    """What it is about, the same in each record: a digest of field and value."""
    start = models.IntegerField()
    """Where its sentence begins in the record's text, in characters."""
    end = models.IntegerField()
    mark_start = models.IntegerField()
    """Where the words of the value begin; as the sentence where they are not one piece."""
    mark_end = models.IntegerField()
    confidence = models.IntegerField()
    """0 to 100: how sure the rule is that found it."""
    by = models.CharField(max_length=64)
    """The rule that found it, or ``model:`` and the model's name."""
    reread = models.CharField(max_length=8, choices=Reread, default=Reread.NONE, blank=True)
    other = models.JSONField(null=True)
    """Of what reads otherwise: what was read before, or, where an officer had decided, what is read now."""
    state = models.CharField(max_length=10, choices=_STATES, default=State.PROPOSED.value)
    decided_by = models.CharField(max_length=150, default="", blank=True)
    decided_at = models.DateTimeField(null=True)
    objects = ClaimQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["record", "meeting", "field", "identity"], name="programme_claim_once"
            ),
            models.UniqueConstraint(
                fields=["record", "field", "identity"],
                condition=models.Q(meeting__isnull=True),
                name="programme_claim_alone",
            ),
        ]
        indexes = [
            models.Index(fields=["meeting", "field"], name="programme_claim_meeting"),
            models.Index(fields=["record", "state"], name="programme_claim_record"),
        ]

    def __str__(self) -> str:
        return f"{self.field} {self.identity}"

    @property
    def by_model(self) -> str:
        """The name of the model that proposed it; empty where the rules read it."""
        return self.by.removeprefix(MODEL) if self.by.startswith(MODEL) else ""

    @property
    def counts(self) -> bool:
        """As ``ClaimQuerySet.counting`` has it."""
        waits = self.state == State.PROPOSED and (self.reread == self.Reread.GONE or bool(self.by_model))
        return self.state != State.REJECTED and not waits

    @property
    def said(self) -> dict[str, object]:
        """What counts: the correction, else what was read."""
        counts: dict[str, object] = self.value if self.corrected is None else self.corrected
        return counts


class Judgement(models.Model):
    """That an officer confirmed, corrected or rejected a claim, or took that back. Never changed."""

    claim = models.ForeignKey(Claim, models.CASCADE, related_name="judgements")
    act = models.CharField(max_length=10, choices=_ACTS)
    before = models.JSONField()
    after = models.JSONField()
    reason = models.CharField(max_length=300, default="", blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["claim", "at"], name="programme_judgement_claim")]

    def __str__(self) -> str:
        return f"{self.claim} {self.act}"
