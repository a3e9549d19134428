"""Who may ask this node to sign somebody in: a registered service, or a peer's node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from django.conf import settings
from django.utils import timezone

from kouan.apps.identity.domain import CLAIMS, Level, sector_of
from kouan.apps.identity.errors import UnknownService
from kouan.apps.identity.models import PeerProvider, Service
from kouan.core.database.rows import fetch
from kouan.core.sides import get_side
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping

NODE_PREFIX: Final = "urn:kouan:node:"
"""A node's ``client_id`` at a peer's provider, before the code of its side."""
CALLBACK: Final = "/identity/relay/callback"
"""Where a peer's provider sends the browser back to, below a node's origin."""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What a person is told of who asks."""

    id: str
    side: str
    name: Localised
    purpose: Localised
    department: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what is kept and what crosses."""
        return {
            "id": self.id,
            "side": self.side,
            "name": self.name.as_mapping(),
            "purpose": self.purpose.as_mapping(),
            "department": self.department,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the facts; raises ``ValueError``, ``KeyError`` or ``TypeError`` for anything else."""
        if set(value) - {"id", "side", "name", "purpose", "department"}:
            raise ValueError("unknown facts of a service")
        for key, longest in (("id", 64), ("side", 16), ("department", 200)):
            if not isinstance(value[key], str) or len(value[key]) > longest:
                raise ValueError(f"`{key}` is not a text of that length")
        name = Localised.from_mapping(value["name"], where="name")
        purpose = Localised.from_mapping(value["purpose"], where="purpose")
        if max(map(len, [*name.as_mapping().values(), *purpose.as_mapping().values()])) > 300:  # noqa: PLR2004 - as the tables have it
            raise ValueError("a text is too long")
        return cls(value["id"], value["side"], name, purpose, value["department"])


@dataclass(frozen=True, slots=True)
class Client:
    """A client of this node's provider, whichever kind it is."""

    id: str
    peer: str | None
    """The side whose node it is; nothing for a service of this side."""
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    keys: tuple[Mapping[str, Any], ...]
    """Public JWKs that verify its assertions; none for a public client."""
    authenticated: bool
    """Whether it proves who it is with ``private_key_jwt``."""
    pushes: bool
    """Whether its requests must be pushed (RFC 9126)."""
    proves: bool
    """Whether its tokens are bound to a key (RFC 9449)."""
    claims: tuple[str, ...]
    """The most that it may ask for."""
    level: Level
    """The lowest level with which anybody gets in."""
    sides: tuple[str, ...]
    """Whose residents it takes."""
    service: ServiceFacts | None
    """The service; a node names one in each request."""

    def sector(self, service: str) -> str:
        """Return the sector of the subjects that it is told (see ``domain.sector_of``)."""
        return sector_of(service, peer=self.peer)


def node_id(side: str) -> str:
    """Return what a side's node is called as a client."""
    return NODE_PREFIX + side


def get_client(client_id: str) -> Client:
    """Return a client that may ask now; raises ``UnknownService``."""
    if client_id.startswith(NODE_PREFIX):
        return _node(client_id.removeprefix(NODE_PREFIX))
    if not client_id.isprintable():
        raise UnknownService
    found = fetch(Service, "client_id = %s AND disabled_at IS NULL", (client_id,))
    if not found:
        raise UnknownService
    return of_service(found[0])


def of_service(service: Service) -> Client:
    """Return the client that a service is."""
    own = settings.NODE.side
    profile = Service.Profile(service.profile)
    return Client(
        id=service.client_id,
        peer=None,
        redirect_uris=tuple(service.redirect_uris),
        post_logout_redirect_uris=tuple(service.post_logout_redirect_uris),
        keys=tuple(service.jwks.get("keys", ())),
        authenticated=profile is not Service.Profile.PUBLIC,
        pushes=profile is Service.Profile.FAPI2,
        proves=profile is Service.Profile.FAPI2,
        claims=tuple(service.claims),
        level=Level(service.level),
        sides=(own, *(side for side in service.sides if side != own)),
        service=facts_of(service),
    )


def facts_of(service: Service) -> ServiceFacts:
    """Return what a person is told of a service."""
    return ServiceFacts(
        id=service.client_id,
        side=settings.NODE.side,
        name=service.name,
        purpose=service.purpose,
        department=service.department,
    )


def _node(side: str) -> Client:
    found = fetch(PeerProvider, "side = %s", (side,)) if side.isprintable() else []
    if not found:
        raise UnknownService
    provider = found[0]
    now = timezone.now().timestamp()
    keys = tuple(
        key["jwk"] for key in provider.keys if key["use"] == "client" and key["since"] <= now < key["until"]
    )
    return Client(
        id=node_id(get_side(side).code),
        peer=side,
        redirect_uris=(provider.issuer + CALLBACK,),
        post_logout_redirect_uris=(),
        keys=keys,
        authenticated=True,
        pushes=True,
        proves=True,
        claims=tuple(name for name, claim in CLAIMS.items() if claim.crosses),
        level=Level.LOW,
        sides=(settings.NODE.side,),
        service=None,
    )
