"""Rules of identity: levels of assurance, what may be asked for and told, subjects that nobody can join.

Levels are data (``data/levels.toml``), a proposal for both sides to ratify.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

TOKEN_LIFE: Final = timedelta(minutes=5)
"""How long ID tokens and access tokens count. None is refreshed."""
CODE_LIFE: Final = timedelta(seconds=60)
REQUEST_LIFE: Final = timedelta(seconds=90)
"""How long a pushed request waits for its browser (RFC 9126 section 2.2)."""
INTERACTION_LIFE: Final = timedelta(minutes=15)
"""How long a person may take from the service's page back to it."""
HOME_SESSION_LIFE: Final = timedelta(hours=8)
"""How long a sign-in at the home provider lets a person go on to further services."""
FRESH: Final = timedelta(minutes=5)
"""How old a sign-in may be where a fresh one is asked for."""
CLOCKS: Final = timedelta(seconds=30)
"""How far this side's clock and a provider's may be apart where it is asked how fresh a sign-in is."""

ACR_PREFIX: Final = "urn:gba:loa:"


class Level(enum.IntEnum):
    """How sure it is who a person is and that this person is at the screen; see ``data/levels.toml``."""

    SELF_ASSERTED = 1
    LOW = 2
    SUBSTANTIAL = 3
    HIGH = 4

    @property
    def acr(self) -> str:
        """The level as OpenID Connect names it (Core section 2, ``acr``)."""
        return f"{ACR_PREFIX}{self.value}"

    @property
    def crosses(self) -> bool:
        """Whether the other side may be told of a person of this level at all."""
        return self >= LOWEST_CROSSING

    @classmethod
    def of_acr(cls, acr: str) -> Level:
        """Return the level that ``acr`` names; raises ``ValueError`` for any other text."""
        for level in cls:
            if acr == level.acr:
                return level
        raise ValueError("no level of assurance")


LOWEST_CROSSING: Final = Level.LOW


def delivered(identity: Level, authentication: Level) -> Level:
    """Return the level of a sign-in: the lower of how surely known and how surely present the person is."""
    return min(identity, authentication)


def least_asked(acr_values: Sequence[str], *, otherwise: Level) -> Level:
    """Return the lowest level that a request would take; raises ``ValueError`` if it names any unknown one.

    So a request for ``loa:3 loa:4`` is met by 3, and a value that this node does not know is never ignored.
    """
    return min((Level.of_acr(value) for value in acr_values), default=otherwise)


# What is told about a person


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that may be told about a person."""

    name: str
    scope: str
    """The scope that asks for it (OpenID Connect Core section 5.4)."""
    level: Level = Level.LOW
    """From which level of the sign-in on it may be told."""
    crosses: bool = True
    """Whether it may be told to the other side at all."""


CLAIMS: Final[dict[str, Claim]] = {
    claim.name: claim
    for claim in (
        Claim("name", "profile"),
        Claim("name#zh-Hant", "profile"),
        Claim("name#zh-Hans", "profile"),
        Claim("gender", "profile"),
        Claim("birthdate", "profile"),
        Claim("email", "email"),
        Claim("phone_number", "phone"),
        Claim("document_type", "document", Level.SUBSTANTIAL),
        Claim("document_number", "document", Level.SUBSTANTIAL, crosses=False),
    )
}
"""All that is ever told, by name: OpenID Connect's standard claims, and two of our own for the identity
document. Its number stays on its side, and is only told to a service that is registered for it."""

SCOPES: Final = ("openid", *dict.fromkeys(claim.scope for claim in CLAIMS.values()))


def asked_for(scopes: Iterable[str], claims: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the claims that scopes and a claims request ask for, in a fixed order.

    What this node does not know is left out, as OpenID Connect Core section 5.5 has it. A number of a
    document is only asked for by its own name, never by a scope.
    """
    wanted, named = set(scopes), set(claims)
    return tuple(
        claim.name
        for claim in CLAIMS.values()
        if claim.name in named or (claim.scope in wanted and claim.name != "document_number")
    )


def may_be_told(
    asked: Iterable[str], *, registered: Collection[str], level: Level, crossing: bool
) -> tuple[str, ...]:
    """Return which claims a person may be asked to agree to: registered, asked for, and fit for the level."""
    return tuple(
        name
        for name in asked
        if name in registered and level >= CLAIMS[name].level and (CLAIMS[name].crosses or not crossing)
    )


# Subjects


SUBJECT_VERSION: Final = 1


def pairwise_subject(key: bytes, *, sector: str, person: bytes) -> str:
    """Return what one sector knows a person by (OpenID Connect Core section 8.1).

    ``person`` is this node's own random id of the person, never an identity number. ``sector`` is a
    service of this side, or a peer and one of its services together, so that the peer cannot join what
    two of its services know. HMAC-SHA256 over version, sector and id, each with its length; 43 characters.
    """
    parts = (bytes([SUBJECT_VERSION]), sector.encode(), person)
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return base64.urlsafe_b64encode(hmac.digest(key, message, hashlib.sha256)).rstrip(b"=").decode()


def sector_of(service: str, *, peer: str | None) -> str:
    """Return the sector of a service: of this side, or of a peer's."""
    return f"service:{service}" if peer is None else f"peer:{peer}:service:{service}"


# Links between a person's two accounts


class LinkState(enum.StrEnum):
    """How far the linking of two accounts is."""

    BEGUN = "begun"
    """Signed in here; the other side's sign-in is under way."""
    ASKED = "asked"
    """Signed in on both sides; the document's issuer is asked."""
    COOLING = "cooling"
    """The issuer said yes; it begins to count when the cooling-off ends."""
    ACTIVE = "active"
    REFUSED = "refused"
    """The issuer said no, or cannot tell."""
    ENDED = "ended"
    """Unlinked, by either account's holder."""


def link_state(state: LinkState, *, cooling_until: datetime | None, now: datetime) -> LinkState:
    """Return the state that counts at a time: cooling-off ends by itself."""
    if state is LinkState.COOLING and cooling_until is not None and cooling_until <= now:
        return LinkState.ACTIVE
    return state


DOCUMENT_PAIRS: Final = {
    ("hkid", "home-return-permit"): "gd",
    ("hkid", "residence-permit"): "gd",
}
"""Which two documents show that two accounts are one person's, and the side whose issuer can say so: it has
both numbers in its own register of that document. The first is the asking side's, the second the issuer's."""

LINKS_A_DAY: Final = 3
"""How often a resident may try to link accounts within a day."""


def pair_of(own: str, *, side: str, peer_document: str, peer: str) -> tuple[str, str] | None:
    """Return the pair that two accounts' documents are, and the side whose issuer can tell; or nothing.

    >>> pair_of("hkid", side="hk", peer_document="home-return-permit", peer="gd")
    ('hkid home-return-permit', 'gd')
    """
    for (asking, issued), issuer in DOCUMENT_PAIRS.items():
        if issuer == side and (issued, asking) == (own, peer_document):
            return f"{asking} {issued}", issuer
        if issuer == peer and (asking, issued) == (own, peer_document):
            return f"{asking} {issued}", issuer
    return None


def can_pair(own: str, *, side: str, peer: str) -> bool:
    """Return whether a document of this side has a counterpart of the peer's in any pair."""
    return any(
        (issuer == side and issued == own) or (issuer == peer and asking == own)
        for (asking, issued), issuer in DOCUMENT_PAIRS.items()
    )


def commitment(number: str, birthdate: str, salt: bytes) -> bytes:
    """Return what crosses in place of a document's number: 32 bytes, by scrypt (RFC 7914).

    ``number`` is the normalised number, ``birthdate`` is written ``YYYY-MM-DD``, ``salt`` 32 random bytes.
    There are few numbers and few days, so each guess has to cost: 32 MB and about 50 ms (N 2^15, r 8, p 1).
    """
    return hashlib.scrypt(
        f"{number}|{birthdate}".encode(), salt=salt, n=1 << 15, r=8, p=1, maxmem=64 << 20, dklen=32
    )
