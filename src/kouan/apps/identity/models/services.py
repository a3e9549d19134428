"""The services of this side that let people sign in: each a client of this node's OpenID Provider."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from kouan.core.text import Localised


class Service(models.Model):
    """A department's online service, and the most that it may ever ask for."""

    class Profile(models.TextChoices):
        """Which rules its requests follow."""

        FAPI2 = "fapi2"
        """FAPI 2.0 Security Profile: private_key_jwt, pushed requests, DPoP-bound tokens."""
        CONFIDENTIAL = "confidential"
        """private_key_jwt and PKCE, for software that knows neither PAR nor DPoP."""
        PUBLIC = "public"
        """No secret of its own: PKCE alone (an app on a phone, a page without a server)."""

    client_id = models.CharField(max_length=64, unique=True)
    department = models.CharField(max_length=200)
    """In the words of the registrar."""
    name_en = models.CharField(max_length=120)
    name_zh_hant = models.CharField(max_length=120)
    name_zh_hans = models.CharField(max_length=120)
    purpose_en = models.CharField(max_length=300)
    purpose_zh_hant = models.CharField(max_length=300)
    purpose_zh_hans = models.CharField(max_length=300)
    profile = models.CharField(max_length=12, choices=Profile, default=Profile.FAPI2)
    redirect_uris = models.JSONField(default=list)
    post_logout_redirect_uris = models.JSONField(default=list)
    backchannel_logout_uri = models.CharField(max_length=500, default="")
    jwks = models.JSONField(default=dict)
    """Its public keys (RFC 7517): they sign its client assertions."""
    claims = models.JSONField(default=list)
    """The most claims that it may ever ask for, by name."""
    level = models.IntegerField(default=2)
    """The lowest level of assurance with which anybody gets in, whatever a request says."""
    sides = models.JSONField(default=list)
    """Whose residents it takes, by side; its own side's always."""
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.client_id

    @property
    def name(self) -> Localised:
        """The service's name in the three scripts."""
        return Localised(en=self.name_en, zh_hant=self.name_zh_hant, zh_hans=self.name_zh_hans)

    @property
    def purpose(self) -> Localised:
        """What it asks for an identity for, in the three scripts."""
        return Localised(en=self.purpose_en, zh_hant=self.purpose_zh_hant, zh_hans=self.purpose_zh_hans)


class ServiceChange(models.Model):
    """Who changed what of a service's registration, and when."""

    service = models.ForeignKey(Service, models.PROTECT, related_name="changes")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    what = models.CharField(max_length=20)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"{self.service} {self.what} {self.at}"
