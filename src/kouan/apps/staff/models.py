from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from kouan.core.text import Localised


class Department(models.Model):
    """A department of this side."""

    code = models.CharField(max_length=40, unique=True)
    name_en = models.CharField(max_length=120)
    name_zh_hant = models.CharField(max_length=120)
    name_zh_hans = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    @property
    def name(self) -> Localised:
        """Its name in all three scripts."""
        return Localised(self.name_en, self.name_zh_hant, self.name_zh_hans)


class Post(models.Model):
    """An officer's role in a department, as it is now; ``PostChange`` says how it came to be."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="posts")
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="posts")
    role = models.CharField(max_length=20)
    by_provider = models.BooleanField()
    """Whether the staff provider claims it: it then also takes it away."""
    granted_at = models.DateTimeField()
    granted_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["department__code", "role"]
        constraints = [
            models.UniqueConstraint(fields=["user", "department", "role"], name="staff_post_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role}, {self.department}"


class PostChange(models.Model):
    """That a post was granted or withdrawn; never changed, and kept when the account is gone."""

    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    officer = models.CharField(max_length=150)
    department = models.CharField(max_length=40)
    role = models.CharField(max_length=20)
    granted = models.BooleanField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["officer", "-id"], name="staff_change_officer")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.officer} {'+' if self.granted else '-'}{self.role}"


class Officer(models.Model):
    """What an account signs in with, beside its password; made when it is first needed."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="officer")
    handle = models.BinaryField(max_length=32, unique=True)
    """The account's name towards passkeys: random, so that it tells nothing (WebAuthn section 14.6.1)."""
    issuer = models.CharField(max_length=500, blank=True)
    """The staff provider that vouches for the account; empty for a local one."""
    subject = models.CharField(max_length=255, blank=True)
    totp_secret = models.BinaryField(null=True)
    """Sealed (``vault``); ``None`` without an authenticator app."""
    totp_step = models.BigIntegerField(default=0)
    """The step of the last code that was taken: no code counts twice."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "subject"], condition=~Q(issuer=""), name="staff_officer_subject"
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)


class Passkey(models.Model):
    """A WebAuthn credential of an account."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    credential_id = models.BinaryField(max_length=1023, unique=True)
    credential = models.BinaryField()
    """The attested credential data, with the public key."""
    sign_count = models.BigIntegerField()
    name = models.CharField(max_length=60)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class RecoveryCode(models.Model):
    """A code that signs in once in place of an authenticator app; only its HMAC is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="staff_code_once")]

    def __str__(self) -> str:
        return f"{self.user} {'used' if self.used_at else 'unused'}"


class SignIn(models.Model):
    """One sign-in and the session that it began."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    way = models.CharField(max_length=20)
    address = models.CharField(max_length=45)
    began_at = models.DateTimeField()
    proved_at = models.DateTimeField()
    """When the officer last proved who they are."""
    seen_at = models.DateTimeField()
    """When the session was last used, to the minute."""
    ended_at = models.DateTimeField(null=True)
    limited = models.BooleanField(default=False)
    """A second factor is still to be set up; until then nothing else can be done."""
    renew = models.BooleanField(default=False)
    """Something changed that the session's key should not outlive; it gets a new one at its next use."""
    sid = models.CharField(max_length=255, blank=True)
    """The staff provider's session."""

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "-id"], name="staff_signin_user"),
            models.Index(fields=["sid"], name="staff_signin_sid", condition=~Q(sid="")),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.began_at:%Y-%m-%d %H:%M:%S} {self.way}"


class Spent(models.Model):
    """Something that is good for once and has been used: a challenge, an answer, a logout token."""

    digest = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField(db_index=True)
    """When it would be refused for its age, and may be forgotten."""

    def __str__(self) -> str:
        return self.digest[:8]
