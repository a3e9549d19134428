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

_INFO: Final = b"kouan/identity/demonstration-client/1"


def client_secret() -> str:
    """Return what a demonstration's node shows its provider."""
    secret: str = settings.NODE.secret_key
    return HKDF(hashes.SHA256(), length=32, salt=None, info=_INFO).derive(secret.encode()).hex()


class Demonstration(OpenIDConnect):
    """OpenID Connect with a secret that nobody sets."""

    def provider(self) -> Provider:
        """Return the provider, with the derived secret."""
        return self._as(secret=client_secret())
