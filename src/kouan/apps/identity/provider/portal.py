"""The provider at the portal, for programs: which addresses there are, and what of a request they see.

The portal answers them without what a page needs (sessions, forms, accounts): no cookie says who a program
is, so none can be misused. ``kouan.node.programs`` calls them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.identity.provider.asked import Asked, Endpoint, issuer
from kouan.apps.identity.provider.pushing import push
from kouan.apps.identity.provider.tokens import token
from kouan.apps.identity.provider.userinfo import userinfo

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOLD: Final = {
    "accept": "HTTP_ACCEPT",
    "authorization": "HTTP_AUTHORIZATION",
    "content-type": "CONTENT_TYPE",
    "dpop": "HTTP_DPOP",
}
"""The headers that endpoints look at, and what the server calls them."""


@dataclass(frozen=True, slots=True)
class Program:
    """An address for programs."""

    name: str
    """What it is called where requests are counted: as its page would be."""
    endpoint: Endpoint
    methods: tuple[str, ...] = ("POST",)


PROGRAMS: Final[Mapping[str, Program]] = {
    "/oidc/par": Program("identity:par", push),
    "/oidc/token": Program("identity:token", token),
    "/oidc/userinfo": Program("identity:userinfo", userinfo, ("GET", "POST")),
}


def asked_of(environ: Mapping[str, Any], body: bytes) -> Asked:
    """Return what an endpoint sees of a request (PEP 3333)."""
    return Asked(
        method=environ["REQUEST_METHOD"],
        url=issuer() + environ["PATH_INFO"],
        body=body,
        headers={name: environ[key] for name, key in _TOLD.items() if key in environ},
        address=str(environ.get("REMOTE_ADDR", "")),
    )
