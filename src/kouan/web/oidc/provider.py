"""Who an identity provider is to this node, as the operator's settings say."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An OpenID provider and how this node is known there; ``ValueError`` says which setting is wrong.

    Exactly one of ``client_secret`` and ``key_file`` is given.
    """

    issuer: str
    """Its issuer identifier, compared letter by letter with what it says of itself."""
    client_id: str
    redirect_uri: str
    """Where it sends people back: this node's address, registered there."""
    client_secret: str = field(default="", repr=False)
    key_file: Path | None = None
    """A private key (PEM; EC P-256, Ed25519 or RSA) for ``private_key_jwt`` (RFC 7523)."""
    proof_key_file: Path | None = None
    """Another such key, which tokens are bound to (DPoP, RFC 9449); they are bearer tokens if ``None``."""
    scopes: tuple[str, ...] = ("openid",)
    acr_values: tuple[str, ...] = ()
    """Levels of which one must be reached, best first; empty: any."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """Our name of an attribute → the provider's claim; a dot leads into an object."""
    ca_file: Path | None = None
    """Certification authorities (PEM) that it must lead to; the machine's own if ``None``."""
    userinfo: bool = True
    """Whether to fetch its userinfo, if it has such an endpoint."""
    demonstration: bool = False
    """Whether plain HTTP on this very machine is accepted."""

    def __post_init__(self) -> None:
        if not is_sound(self.issuer, demonstration=self.demonstration) or "?" in self.issuer:
            raise ValueError(f"the issuer must be an https:// address without a query: {self.issuer[:200]!r}")
        if not self.client_id or not self.client_id.isascii() or not self.client_id.isprintable():
            raise ValueError("the client id must be printable ASCII")
        if bool(self.client_secret) == bool(self.key_file):
            raise ValueError("give either a client secret or a key file")
        if "openid" not in self.scopes:
            raise ValueError("the scopes must hold openid")
        object.__setattr__(self, "claims", MappingProxyType(dict(self.claims)))

    @property
    def host(self) -> str:
        """The provider's host, as errors name it."""
        return urlsplit(self.issuer).hostname or ""


def is_sound(url: object, *, demonstration: bool) -> bool:
    """Say whether ``url`` may be asked or visited: HTTPS, or in a demonstration HTTP on this machine."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or len(url) > _LONGEST:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
        if not host or parts.port == 0 or set(url) & set("@#\\ "):
            return False
    except ValueError:  # half an address in brackets, or a port that is no number
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and demonstration and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def claim(claims: Mapping[str, object], name: str) -> object:
    """Return the claim of that name, or the one that its dots lead to; ``None`` if there is none."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
