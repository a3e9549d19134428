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
from kouan.core.text import Localised

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


class AccessToken(models.Model):
    """What an institution's own system shows to act for it. Only the token's digest is kept."""

    institution = models.ForeignKey(Institution, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    """What the system is, in the words of who asked for the token."""
    prefix = models.CharField(max_length=32)
    """The token's first characters, to tell tokens apart."""
    digest = models.BinaryField(unique=True, max_length=32)
    """SHA-256 of the token; the token holds 256 random bits, so no salt is needed."""
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.institution} {self.prefix}…"


class RegisteredDocument(models.Model):
    """One document on the register of its issuer's side."""

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
