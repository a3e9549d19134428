"""The joint work plan: what is negotiated, version by version, the meetings about it, and its progress."""

from __future__ import annotations

import uuid

from django.db import models


class Subject(models.Model):
    """What two sides agree on in writing: the plan of a year, or the minutes of a meeting.

    Its row is the lock under which its versions change.
    """

    key = models.UUIDField(unique=True)
    """The number by which both sides know it."""
    kind = models.CharField(max_length=8)
    """``plan`` or ``minutes``."""
    peer = models.CharField(max_length=16)
    year = models.IntegerField(null=True)
    """Of a plan: the year in which it begins."""
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["kind", "-year"], name="programme_subject_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Version(models.Model):
    """A text that one side has signed and put before the other, and what became of it."""

    subject = models.ForeignKey(Subject, models.CASCADE, related_name="versions")
    number = models.PositiveSmallIntegerField()
    text = models.BinaryField()
    """The canonical JSON (RFC 8785)."""
    digest = models.BinaryField(max_length=32, unique=True)
    author = models.CharField(max_length=16)
    """The side that proposes it."""
    state = models.CharField(max_length=10)
    """One of ``negotiation.State``."""
    replaces = models.BinaryField(max_length=32, null=True)
    answers = models.BinaryField(max_length=32, null=True)
    """The proposal in whose place it was put, if it is a counter-proposal."""
    signed_by_author = models.BinaryField()
    """The author's signed statement (COSE_Sign1); who signed stands in it."""
    signed_by_other = models.BinaryField(null=True)
    reason = models.CharField(max_length=400, default="", blank=True)
    """Why it was refused or withdrawn, in that side's words."""
    proposal_id = models.UUIDField()
    """The message that took it to the other side, or brought it here."""
    answer_id = models.UUIDField(null=True)
    """The message with the other side's signature, or this side's."""
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject", "state"], name="programme_version_state")]

    def __str__(self) -> str:
        return f"{self.subject} v{self.number}"


class VersionPaper(models.Model):
    """A version as PDF with the officers' signatures in it; apart from it, so that lists need not read it."""

    version = models.OneToOneField(Version, models.CASCADE, related_name="paper")
    data = models.BinaryField()

    def __str__(self) -> str:
        return str(self.version)


class Draft(models.Model):
    """What this side's officers are writing: it may still be unfinished, and never crosses."""

    subject = models.OneToOneField(Subject, models.CASCADE, related_name="draft")
    content = models.JSONField()
    edition = models.IntegerField(default=1)
    """Counts the changes: nobody writes over what somebody else has written meanwhile."""
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"draft of {self.subject}"


class JointMeeting(models.Model):
    """A meeting of the two sides, to come or held; its host keeps it, the other side has a copy."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    peer = models.CharField(max_length=16)
    host = models.CharField(max_length=16)
    """The side that convenes it."""
    sequence = models.IntegerField(default=0)
    """Counts its changes (RFC 5545 section 3.8.7.4)."""
    state = models.CharField(max_length=10, default="planned")
    """``planned``, ``held`` or ``cancelled``."""
    title = models.JSONField()
    """In the three scripts, as all texts of it."""
    place = models.JSONField()
    mode = models.CharField(max_length=10)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    agenda = models.JSONField(default=list)
    """Its points: ``id`` and ``title``."""
    message_id = models.UUIDField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["starts_at"], name="programme_joint_meeting_start")]

    def __str__(self) -> str:
        return f"meeting {self.key}"


class Attendee(models.Model):
    """Somebody who takes part, in their office."""

    meeting = models.ForeignKey(JointMeeting, models.CASCADE, related_name="attendees")
    side = models.CharField(max_length=16)
    name = models.CharField(max_length=200)
    office = models.JSONField()
    email = models.EmailField(blank=True, default="")
    """Of this side's own only, for the invitation. It never crosses."""
    language = models.CharField(max_length=8, default="en")
    invited = models.IntegerField(default=-1)
    """The sequence of the last invitation that was sent to them."""
    mail_due_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["mail_due_at"],
                name="programme_attendee_mail",
                condition=models.Q(mail_due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.meeting} {self.side}"


class MeetingPaper(models.Model):
    """A paper of a meeting, with its digest; both sides keep the bytes."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    meeting = models.ForeignKey(JointMeeting, models.CASCADE, related_name="papers")
    side = models.CharField(max_length=16)
    title = models.JSONField()
    name = models.CharField(max_length=200)
    """The file's name."""
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.BinaryField(max_length=32)
    message_id = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meeting", "sha256"], name="programme_paper_once"),
        ]

    def __str__(self) -> str:
        return self.name


class PaperContent(models.Model):
    """A paper's bytes; apart from it, so that lists need not read them."""

    paper = models.OneToOneField(MeetingPaper, models.CASCADE, related_name="content")
    data = models.BinaryField()

    def __str__(self) -> str:
        return str(self.paper)


class Report(models.Model):
    """What one side says of an item: how it stands, or a figure of one of its measures. Never changed."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    subject = models.ForeignKey(Subject, models.CASCADE, related_name="reports")
    side = models.CharField(max_length=16)
    item = models.CharField(max_length=40)
    about = models.CharField(max_length=10)
    """``state``, ``measure`` or ``milestone``."""
    part = models.CharField(max_length=40, default="", blank=True)
    """The measure or the milestone."""
    value = models.CharField(max_length=32)
    """A figure as decimal text; a state; of a milestone, ``done``."""
    day = models.DateField()
    """The day on which it was so."""
    source = models.CharField(max_length=400)
    """Where the figure comes from, in the words of who reports; of the node's own, the figure's key."""
    by_node = models.BooleanField(default=False)
    """Whether the node counted it itself."""
    note = models.JSONField(null=True)
    """In the three scripts; none where nothing was said."""
    message_id = models.UUIDField()
    """The message that took it to the other side, or brought it here."""
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["subject", "item", "about", "part"], name="programme_report_part"),
        ]

    def __str__(self) -> str:
        return f"{self.item} {self.part} {self.value}"
