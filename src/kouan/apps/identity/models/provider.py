"""What an OpenID Provider keeps between two requests. Secrets are kept as digests, keys are sealed."""

from __future__ import annotations

import uuid

from django.db import models


class SigningKey(models.Model):
    """A P-256 key of this node's provider. Private halves are sealed under the node's secret."""

    class Use(models.TextChoices):
        """What it signs; no key has two uses."""

        TOKEN = "token"  # noqa: S105 - a use, not a secret
        """ID tokens, signed userinfo and logout tokens, for services and peers."""
        CLIENT = "client"
        """This node's client assertions at a peer (RFC 7523)."""
        DPOP = "dpop"
        """This node's proofs of possession at a peer (RFC 9449)."""
        RECEIPT = "receipt"
        """Consent receipts."""

    kid = models.CharField(max_length=43, unique=True)
    """The JWK's SHA-256 thumbprint (RFC 7638)."""
    use = models.CharField(max_length=8, choices=Use)
    public = models.JSONField()
    """The public JWK."""
    private = models.BinaryField()
    """Sealed PKCS#8 DER."""
    since = models.DateTimeField()
    """From when on it signs; it is published at once."""
    until = models.DateTimeField()
    """Until when it signs; it is published for a while longer."""

    def __str__(self) -> str:
        return f"{self.use} {self.kid}"


class PushedRequest(models.Model):
    """An authorization request that a client pushed (RFC 9126)."""

    handle = models.BinaryField(unique=True, max_length=32)
    """SHA-256 of what follows the prefix in its ``request_uri``."""
    client = models.CharField(max_length=64)
    params = models.JSONField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="identity_pushed_expiry")]

    def __str__(self) -> str:
        return f"{self.client} {self.expires_at}"


class Interaction(models.Model):
    """One person's way from a client's request to its answer, in one browser."""

    class Stage(models.TextChoices):
        """What is to happen next."""

        CHOOSE = "choose"
        """The person chooses whose identity to use."""
        HOME = "home"
        """The person signs in at this side's home provider."""
        PEER = "peer"
        """The person signs in on another side."""
        CONSENT = "consent"
        DONE = "done"
        """The client's answer has been given."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    browser = models.BinaryField(max_length=32)
    """SHA-256 of a random value in the browser's session: no other browser can go on with it."""
    client = models.CharField(max_length=64)
    """A service's ``client_id``, or a node's."""
    params = models.JSONField()
    """The request, checked: see ``provider.requests.Request``."""
    stage = models.CharField(max_length=8, choices=Stage)
    side = models.CharField(max_length=16, default="")
    """Whose identity the person uses."""
    home_session = models.ForeignKey("identity.HomeSession", models.CASCADE, null=True)
    foreign = models.BinaryField(null=True)
    """Sealed JSON: what another side's node said of the person; see ``nodes``."""
    granted = models.JSONField(null=True)
    """The names of the claims that the person agreed to."""
    receipt = models.ForeignKey("identity.ConsentReceipt", models.SET_NULL, null=True)
    began_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="identity_interaction_expiry")]

    def __str__(self) -> str:
        return f"{self.client} {self.stage}"


class AuthorizationCode(models.Model):
    """A code that waits to be redeemed: by deleting this row, which happens once."""

    digest = models.BinaryField(unique=True, max_length=32)
    sign_in = models.ForeignKey("identity.SignIn", models.CASCADE)
    redirect_uri = models.CharField(max_length=500)
    challenge = models.CharField(max_length=64)
    """PKCE, S256 (RFC 7636)."""
    nonce = models.CharField(max_length=255, default="")
    dpop_jkt = models.CharField(max_length=64, default="")
    """The key that the token request must prove (RFC 9449 section 10); empty where none was announced."""
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="identity_code_expiry")]

    def __str__(self) -> str:
        return f"code of {self.sign_in}"


class AccessToken(models.Model):
    """A token for the userinfo endpoint."""

    digest = models.BinaryField(unique=True, max_length=32)
    sign_in = models.ForeignKey("identity.SignIn", models.CASCADE, related_name="tokens")
    jkt = models.CharField(max_length=64, default="")
    """The thumbprint of the key that it is bound to; empty for a bearer token."""
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="identity_token_expiry")]

    def __str__(self) -> str:
        return f"token of {self.sign_in}"


class SpentToken(models.Model):
    """A ``jti`` that was shown once and counts no second time, until it has expired by itself."""

    digest = models.BinaryField(unique=True, max_length=32)
    """SHA-256 over what it was for, who issued it, and the ``jti``."""
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="identity_spent_expiry")]

    def __str__(self) -> str:
        return f"spent until {self.expires_at}"
