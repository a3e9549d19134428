"""An authorization request once it has been checked: what an interaction is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from kouan.apps.identity.domain import Level
from kouan.apps.identity.provider.clients import ServiceFacts

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for (OpenID Connect Core section 3.1.2.1), nothing of it unchecked."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    claims: tuple[str, ...]
    """The names of the claims that it asks for and is registered for."""
    level: Level
    """The lowest level that it takes."""
    service: ServiceFacts
    code_challenge: str
    """PKCE, S256."""
    state: str = ""
    nonce: str = ""
    dpop_jkt: str = ""
    max_age: int | None = None
    """Seconds since the person last authenticated."""
    prompt: tuple[str, ...] = ()
    ui_locales: tuple[str, ...] = ()
    side: str = ""
    """Whose identity the person uses, where the service knows (``kouan_side``); else the person is asked."""
    link: str = ""
    """The link between two accounts that the sign-in is a part of making (from a peer's node only)."""

    def to_json(self) -> dict[str, Any]:
        """Return what is kept with a pushed request and an interaction."""
        return {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scopes": list(self.scopes),
            "claims": list(self.claims),
            "level": int(self.level),
            "service": self.service.to_json(),
            "code_challenge": self.code_challenge,
            "state": self.state,
            "nonce": self.nonce,
            "dpop_jkt": self.dpop_jkt,
            "max_age": self.max_age,
            "prompt": list(self.prompt),
            "ui_locales": list(self.ui_locales),
            "side": self.side,
            "link": self.link,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what ``to_json`` gave."""
        texts = ("scopes", "claims", "prompt", "ui_locales")
        return cls(
            **dict(value)
            | {name: tuple(value[name]) for name in texts}
            | {"level": Level(value["level"]), "service": ServiceFacts.from_json(value["service"])}
        )

    def of_side(self, side: str) -> Self:
        """Return the same request for a person of one side."""
        return replace(self, side=side)
