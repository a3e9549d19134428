"""What people of this side apply for on the other: kept sealed, by the person, at their own side's node."""

from __future__ import annotations

import uuid

from django.db import models


class Application(models.Model):
    """A person's application, from the first answer to the result."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    """Also the conversation of its messages, and what evidence is bound to."""
    person = models.CharField(max_length=64)
    """Who applies, as this side's identities know them; never crosses."""
    subject = models.CharField(max_length=64, default="")
    """What the offering department's side knows the person by; set when it is sent."""
    peer = models.CharField(max_length=16)
    service = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    digest = models.BinaryField(max_length=32)
    """The version of the service that it is for: frozen when it is sent."""
    state = models.CharField(max_length=16)
    """``domain.State``."""
    answers = models.BinaryField(default=bytes)
    """Canonical JSON, sealed."""
    picks = models.BinaryField(default=bytes)
    """Which evidence is to be shown, claim by claim: JSON, sealed."""
    acts_for = models.CharField(max_length=16, default="self")
    language = models.CharField(max_length=8)
    email = models.BinaryField(default=bytes)
    """Where news goes, sealed; empty: only the portal."""
    level = models.PositiveSmallIntegerField(default=0)
    """Of the sign-in in which it was sent."""
    receipt = models.BinaryField(default=bytes)
    """The person's consent to what crosses, as this node signed it."""
    consented_at = models.DateTimeField(null=True)
    consent_withdrawn_at = models.DateTimeField(null=True)
    """When the person withdrew it, after the end or before it had left; from then on nothing is sent."""
    message_id = models.UUIDField(null=True)
    """The message that carried it; its proof is the ledger's."""
    reference = models.CharField(max_length=40, default="")
    """The case's number at the other side, at its longest (``payloads.CaseMoved``) of 34 characters."""
    seen_seq = models.PositiveIntegerField(default=0)
    """The last event of the other side that is in."""
    due_on = models.DateField(null=True)
    """Until when the side whose turn it is has to act."""
    result = models.BinaryField(default=bytes)
    """The signed PDF, sealed."""
    credential = models.BinaryField(default=bytes)
    """The result as an SD-JWT VC, sealed."""
    verdict = models.CharField(max_length=32, default="")
    """``core.credentials.Verdict`` of that credential on the day it came; empty while there is none."""
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    """Of a draft: what another device must have seen before it may write."""
    expires_at = models.DateTimeField(null=True)
    """When a draft, or the wait for cosigners, lapses."""
    sent_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)
    """When what it held of the person was erased, as its term was over (``applying.erasing``)."""

    class Meta:
        indexes = [
            models.Index(
                fields=["updated_at"], name="services_mine_kept", condition=models.Q(erased_at__isnull=True)
            ),
            models.Index(fields=["person", "-updated_at"], name="services_mine"),
            models.Index(fields=["state", "expires_at"], name="services_expiring"),
        ]

    def __str__(self) -> str:
        return f"{self.peer}:{self.service} {self.key}"


class ApplicationFile(models.Model):
    """A file that the person attached: to a question of the form, or in place of evidence."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    application = models.ForeignKey(Application, models.CASCADE, related_name="files")
    place = models.CharField(max_length=120)
    """``answers.PATH`` or ``needs.REQUIREMENT``."""
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=100)
    """What its bytes are, whatever its name says."""
    size = models.PositiveIntegerField()
    sha256 = models.BinaryField(max_length=32)
    content = models.BinaryField()
    """Sealed."""
    added_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Cosignature(models.Model):
    """Somebody else who must sign an application before it goes."""

    class State(models.TextChoices):
        ASKED = "asked"
        SIGNED = "signed"
        DECLINED = "declined"
        REPLACED = "replaced"

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    application = models.ForeignKey(Application, models.CASCADE, related_name="cosignatures")
    name = models.CharField(max_length=120)
    """As the applicant wrote it."""
    document_salt = models.BinaryField(max_length=32)
    document_digest = models.BinaryField(max_length=32)
    """Who may sign: the kind and number of the identity document, hardened; the number is kept nowhere."""
    document = models.CharField(max_length=32, default="")
    """The kind of that document; empty: asked before it was, and the digest is of the number alone."""
    person = models.CharField(max_length=64, default="")
    state = models.CharField(max_length=16, choices=State.choices)
    answers_digest = models.BinaryField(max_length=32, default=bytes)
    """What they signed: an application that has changed since needs their name again."""
    level = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.application_id} {self.state}"


class ApplicationEvent(models.Model):
    """One line of an application's story, as its applicant reads it."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    ours = models.BooleanField()
    """By the applicant or this node; else told by the other side."""
    seq = models.PositiveIntegerField(default=0)
    """The other side's number for it."""
    kind = models.CharField(max_length=32)
    state = models.CharField(max_length=16)
    """What it brought the application to."""
    told = models.BinaryField(default=bytes)
    """What was said, asked or read: JSON, sealed."""
    message_id = models.UUIDField(null=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "seq"], condition=models.Q(ours=False), name="services_told_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.kind}"


class ApplicationNotice(models.Model):
    """News for a person: shown in the portal, and sent by e-mail where they asked for it."""

    person = models.CharField(max_length=64)
    application = models.ForeignKey(Application, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=32)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    mail_due_at = models.DateTimeField(null=True)
    """When an e-mail about it is to be tried (again); empty: none is."""
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["person", "read_at"], name="services_news"),
            models.Index(fields=["mail_due_at"], name="services_mail"),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.kind}"
