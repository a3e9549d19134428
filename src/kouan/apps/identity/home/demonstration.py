"""The demonstration's own home provider, whose residents are made up; see ``kouan.demo.provider``.

It is plain OpenID Connect. What is special is the secret: node and provider are one demonstration on one
machine, so both derive it from the node's, and none has to be set. A node that is no demonstration refuses
the kind altogether (``kouan.sections``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from kouan.apps.identity.home.oidc import OpenIDConnect

if TYPE_CHECKING:
    from kouan.web.oidc import Provider

CLIENT: Final = "client"
"""The purpose of the secret with which the node shows the provider that it is its client."""
ISSUER: Final = "issuer"
"""The purpose of the one with which the node asks the issuer of documents."""


def shared_secret(purpose: str) -> str:
    """Return what a demonstration's node and its provider both know, for one purpose."""
    secret: str = settings.NODE.secret_key
    info = f"kouan/identity/demonstration/{purpose}/1".encode()
    return HKDF(hashes.SHA256(), length=32, salt=None, info=info).derive(secret.encode()).hex()


class Demonstration(OpenIDConnect):
    """OpenID Connect with a secret that nobody sets."""

    def provider(self) -> Provider:
        """Return the provider, with the derived secret."""
        return self._as(secret=shared_secret(CLIENT))
