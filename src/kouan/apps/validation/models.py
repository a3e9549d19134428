"""What this app keeps: institutions and who works for them, the register, and the validations asked here.

Of a document the register keeps what is needed to answer a question about it. Never the document,
never its salt.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from kouan.apps.validation.domain import DocumentState, state_of
from kouan.apps.validation.marks import CarriedAs
from kouan.core.exchange.ids import new_id
from kouan.core.text import Localised
from kouan.web.tokens import ProgramToken

if TYPE_CHECKING:
    from datetime import date


class Institution(models.Model):
    """An issuing institution of this side: a university, a bank, a credit reporter."""

    code = models.CharField(max_length=40, unique=True)
    """Lower-case letters, digits and hyphens; public, and part of every mark."""
    name_en = models.CharField(max_length=200)
    name_zh_hant = models.CharField(max_length=200)
    name_zh_hans = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.code

    @property
    def name(self) -> Localised:
        """The institution's name in the three scripts."""
        return Localised(en=self.name_en, zh_hant=self.name_zh_hant, zh_hans=self.name_zh_hans)


class Membership(models.Model):
    """That an account's holder is an officer of an institution."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="institution_memberships")
    institution = models.ForeignKey(Institution, models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "institution"], name="validation_member_once")]

    def __str__(self) -> str:
        return f"{self.user} {self.institution}"


class AccessToken(ProgramToken):
    """What an institution's own system shows to act for it."""

    institution = models.ForeignKey(Institution, models.CASCADE, related_name="tokens")

    def __str__(self) -> str:
        return f"{self.institution} {self.prefix}…"


class BulkJob(models.Model):
    """A file of many rows that is being taken in, and how far that is; see ``bulk``.

    The file itself waits sealed in the node's folder of files, and is removed once the job has ended.
    """

    key = models.UUIDField(unique=True, default=new_id)
    """Its name in addresses, and that of its file."""
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="jobs")
    kind = models.CharField(max_length=10)
    take_good = models.BooleanField()
    """Whether the good rows count although others are bad; otherwise one bad row and nothing counts."""
    state = models.CharField(max_length=10)
    columns = models.JSONField()
    """The names of the file's first line, in order."""
    size = models.BigIntegerField()
    """Bytes of the file."""
    begin = models.BigIntegerField()
    """Where the first row begins, after the line of names."""
    offset = models.BigIntegerField()
    """Where the next row begins: what is before it has been taken."""
    line = models.BigIntegerField(default=2)
    """The number of the line at ``offset``."""
    good = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    """Rows that say what is on the register already."""
    bad = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    token = models.ForeignKey(AccessToken, models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["institution", "-id"], name="validation_jobs")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.state}"


class BulkProblem(models.Model):
    """Why one row of a job's file cannot be taken; of each job the first ones are kept, all are counted."""

    job = models.ForeignKey(BulkJob, models.CASCADE, related_name="problems")
    line = models.BigIntegerField()
    column = models.CharField(max_length=20)
    """The column's name in the file's first line; empty where the whole row is meant."""
    code = models.CharField(max_length=40)
    """The error's code; put into words when somebody reads it, in their language."""
    params = models.JSONField()

    def __str__(self) -> str:
        return f"{self.line} {self.column} {self.code}"


class RegisteredDocument(models.Model):
    """One document on the register of its issuer's side.

    A row of a job that has not ended well is not on the register yet; ``queries.on_the_register`` leaves it
    out, and nothing else reads this table.
    """

    reference = models.CharField(max_length=40, unique=True)
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="documents")
    type = models.CharField(max_length=40)
    algorithm = models.CharField(max_length=16, default="sha-256")
    digest = models.BinaryField(max_length=32)
    carried_as = models.CharField(max_length=8)
    issued_on = models.DateField()
    expires_on = models.DateField(null=True)
    registered_at = models.DateTimeField()
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    registered_with = models.ForeignKey(AccessToken, models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    revoked_on = models.DateField(null=True)
    revocation_reason = models.CharField(max_length=20, default="")
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    revoked_with = models.ForeignKey(AccessToken, models.SET_NULL, null=True, related_name="+")
    job = models.ForeignKey(BulkJob, models.PROTECT, null=True, related_name="documents")
    """The job that brought it, ``None`` for a document that was registered alone."""

    class Meta:
        indexes = [models.Index(fields=["institution", "-id"], name="validation_register")]

    def __str__(self) -> str:
        return self.reference

    @property
    def file_name(self) -> str:
        """A name for the carried file: its reference, which names nobody."""
        return f"{self.reference}{CarriedAs(self.carried_as).ending}"

    def state(self, today: date) -> DocumentState:
        """Return the state on a day of this side."""
        return state_of(revoked_on=self.revoked_on, expires_on=self.expires_on, today=today)


class AnsweredQuestion(models.Model):
    """That this side has answered a question: so it is not answered again, and is counted.

    Neither the document's reference nor its fingerprint nor who asked is kept.
    """

    question = models.BinaryField(max_length=32, unique=True, null=True)
    """``domain.question_id``; ``None`` for a question that did not cross."""
    day = models.DateField(db_index=True)
    """In this side's calendar."""
    side = models.CharField(max_length=16)
    """The side that asked."""
    outcome = models.CharField(max_length=10)
    institution = models.ForeignKey(Institution, models.CASCADE, null=True, related_name="+")
    """Whose document was asked about; ``None`` for an unknown reference."""
    type = models.CharField(max_length=40, default="")

    def __str__(self) -> str:
        return f"{self.day} {self.side} {self.outcome}"


class DailyCount(models.Model):
    """How many questions of one kind this side answered on a day that is over."""

    day = models.DateField()
    side = models.CharField(max_length=16)
    outcome = models.CharField(max_length=10)
    institution = models.ForeignKey(Institution, models.CASCADE, null=True, related_name="+")
    type = models.CharField(max_length=40, default="")
    count = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["day", "institution"], name="validation_counts")]

    def __str__(self) -> str:
        return f"{self.day} {self.side} {self.outcome} {self.count}"


class Validation(models.Model):
    """One question "is this file what was issued?", asked on this side, and its answer.

    Who asked and what the file was called is not kept. The key is random and secret: it is the
    address of the page, and whoever knows it may see the answer.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    reference = models.CharField(max_length=40)
    issuing_side = models.CharField(max_length=16)
    algorithm = models.CharField(max_length=16, default="sha-256")
    digest = models.BinaryField(max_length=32)
    size = models.BigIntegerField(null=True)
    """Bytes of the file; ``None`` when only its fingerprint was given."""
    asked_at = models.DateTimeField()
    conversation = models.UUIDField(null=True, unique=True)
    """``None`` when this side issued the document: then nothing crosses."""
    failure = models.CharField(max_length=64, default="")
    """Why the question had no effect at the other side, if so: the error's code."""
    answer_id = models.UUIDField(null=True)
    answered_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, default="")
    decided_at = models.DateTimeField(null=True)
    issuer_code = models.CharField(max_length=40, default="")
    issuer_names = models.JSONField(null=True)
    """``{"en": …, "zh-hant": …, "zh-hans": …}``"""
    document_type = models.CharField(max_length=40, default="")
    issued_on = models.DateField(null=True)
    expires_on = models.DateField(null=True)
    revoked_on = models.DateField(null=True)

    def __str__(self) -> str:
        return f"{self.reference} {self.outcome or 'open'}"

    @property
    def local(self) -> bool:
        """Whether this side itself issued the document, so that nothing crossed."""
        return self.conversation is None

    @property
    def issuer_name(self) -> Localised | None:
        """The issuer's name in three scripts, where the answer tells it."""
        return (
            None if self.issuer_names is None else Localised.from_mapping(self.issuer_names, where="answer")
        )
