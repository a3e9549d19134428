"""The cases that this side works on: what people of the other side applied for here."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.db import models

from kouan.web.tokens import ProgramToken


class CaseCounter(models.Model):
    """How many cases a year has had: their numbers have no gap."""

    year = models.PositiveIntegerField(unique=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.year} {self.last}"


class Case(models.Model):
    """One application of somebody on the other side, and how far it has come."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    """The application's own key: the conversation of all its messages."""
    reference = models.CharField(max_length=32, unique=True)
    """What people call it: ``GD-2026-000123``."""
    home = models.CharField(max_length=16)
    """The applicant's side."""
    subject = models.CharField(max_length=64)
    """What this side knows the applicant by."""
    service = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    digest = models.BinaryField(max_length=32)
    """The version that it follows to its end."""
    department = models.CharField(max_length=64)
    state = models.CharField(max_length=16)
    """``domain.State``."""
    turn = models.CharField(max_length=10)
    """``clock.Turn``: who has to act in that state; what work lists look for."""
    changed = models.PositiveIntegerField(default=0)
    """One more with each change: who acts names the one they saw, so two officers do not undo each other."""
    officer = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    """Whose work it is."""
    level = models.PositiveSmallIntegerField()
    acts_for = models.CharField(max_length=16)
    language = models.CharField(max_length=8)
    answers = models.BinaryField()
    """Canonical JSON, sealed."""
    told = models.BinaryField(default=bytes)
    """Who else signed, and for whom it is: JSON, sealed."""
    consent = models.BinaryField(default=bytes)
    """The applicant's receipt, as the home side signed it."""
    message_id = models.UUIDField()
    received_at = models.DateTimeField()
    due_on = models.DateField(null=True)
    """Until when the department has to decide, or the applicant to act."""
    stopped_on = models.DateField(null=True)
    """Since when the department's time stands still, because it waits for the applicant."""
    days_left = models.PositiveIntegerField(null=True)
    """Working days that were left when it stopped. With ``stopped_on`` in the department's turn: the days to
    count from then, once the calendar of the year in which they end is here."""
    reminded_on = models.DateField(null=True)
    """When the applicant was reminded of what is waited for."""
    late_on = models.DateField(null=True)
    """When it was noted that the time that runs now is over."""
    first_late_on = models.DateField(null=True)
    """When it was first noted that the department's time is over; it stays, whatever the clock does."""
    decided_at = models.DateTimeField(null=True)
    restricted_at = models.DateTimeField(null=True)
    """When the applicant withdrew their consent after the end: what they sent is kept as the law asks, and
    nobody works with it any more (Personal Information Protection Law, article 47)."""
    erased_at = models.DateTimeField(null=True)
    """When what it held of the person was erased, as its term was over (``cases.erasing``)."""
    seq = models.PositiveIntegerField(default=0)
    """The last event that the home side was told of."""

    class Meta:
        indexes = [
            models.Index(
                fields=["decided_at"], name="services_cases_kept", condition=models.Q(erased_at__isnull=True)
            ),
            models.Index(fields=["department", "turn", "due_on", "id"], name="services_worklist"),
            models.Index(
                fields=["department", "service", "turn", "due_on", "id"], name="services_of_service"
            ),
            models.Index(fields=["department", "state", "due_on", "id"], name="services_in_state"),
            models.Index(fields=["officer", "turn", "due_on", "id"], name="services_my_work"),
            models.Index(fields=["turn", "due_on", "id"], name="services_overdue"),
            models.Index(fields=["department", "-received_at"], name="services_newest"),
            models.Index(fields=["department", "decided_at"], name="services_decided"),
            models.Index(fields=["-received_at", "-id"], name="services_side_newest"),
            models.Index(fields=["turn", "-received_at", "-id"], name="services_side_over"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def closed(self) -> bool:
        """Whether nobody works any more with what the applicant sent."""
        return self.restricted_at is not None or self.erased_at is not None


class CaseEvidence(models.Model):
    """A presentation that came with a case, and what a check of it found."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="evidence")
    requirement = models.CharField(max_length=64)
    type = models.CharField(max_length=120)
    text = models.BinaryField()
    """The presentation itself, sealed."""
    verdict = models.CharField(max_length=32)
    """``core.credentials.Verdict``, as of ``checked_at``."""
    found = models.BinaryField(default=bytes)
    """Claims, titles, issuer and dates: JSON, sealed."""
    checked_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)
    """When the applicant showed something else instead; it stays for whoever asks what was decided on."""

    def __str__(self) -> str:
        return f"{self.case_id} {self.requirement}"


class CaseFile(models.Model):
    """A file beside a case."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    case = models.ForeignKey(Case, models.CASCADE, related_name="files")
    place = models.CharField(max_length=120)
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.BinaryField(max_length=32)
    content = models.BinaryField()
    """Sealed."""
    fault = models.CharField(max_length=32, default="")
    """Why an officer cannot open it (``attachments.Fault``): its bytes are not what it says it is."""

    def __str__(self) -> str:
        return self.name


class CaseEvent(models.Model):
    """The audit trail: every change, every reading, every word; never altered."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    """A ``domain.Action``, or ``received``, ``assigned``, ``note``, ``message``, ``read``."""
    role = models.CharField(max_length=16)
    by = models.CharField(max_length=150, default="")
    """The officer's account; empty for the applicant and the clock."""
    state = models.CharField(max_length=16)
    told = models.BinaryField(default=bytes)
    """Reasons, words and what was asked: JSON, sealed."""
    changed = models.PositiveIntegerField(default=0)
    """The case's own count after it; what does not change the case has the count that it found."""
    seq = models.PositiveIntegerField(null=True)
    """The number under which the home side was told; empty: it stays here."""
    message_id = models.UUIDField(null=True)
    """Of the message by which it was told."""
    caused_by = models.UUIDField(null=True)
    """The applicant's message that brought it about."""

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind}"


class CaseFee(models.Model):
    """What a case costs, and what came of it."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    """What its payment page is found by: who knows a case's number alone learns nothing."""
    case = models.OneToOneField(Case, models.CASCADE, related_name="fee")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    provider = models.CharField(max_length=32, default="")
    payment = models.CharField(max_length=64, default="")
    """The provider's own reference."""
    asked_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.case_id} {self.amount} {self.currency}"


class CaseAccess(ProgramToken):
    """A token of a department's system, which acts as a caseworker's account."""

    account = models.ForeignKey(User, models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.account_id} {self.prefix}…"


class CaseResult(models.Model):
    """What an applicant got: the signed PDF, and the same as a credential."""

    case = models.OneToOneField(Case, models.CASCADE, related_name="result")
    pdf = models.BinaryField()
    """Sealed."""
    credential = models.BinaryField()
    """Sealed."""
    made_at = models.DateTimeField()
    reference = models.CharField(max_length=40, default="")
    """Under which the signed PDF is on the register of documents."""
    credential_reference = models.CharField(max_length=40, default="")
    """The same of the credential."""
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.case_id)
