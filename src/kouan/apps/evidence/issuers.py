"""Issuers that this side can check credentials of: its own, and those that other sides announced."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings

from kouan.apps.evidence import keys
from kouan.apps.evidence.issuing import TYPES_PATH, vct_of
from kouan.apps.evidence.kinds import catalogue
from kouan.apps.evidence.models import PeerIssuer
from kouan.apps.evidence.sdjwt.signing import public_key
from kouan.core.database.rows import keepable
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from joserfc.jwk import ECKey


@dataclass(frozen=True, slots=True)
class KnownType:
    """What is known of a type of evidence of any side."""

    code: str
    title: Localised | None = None
    titles: Mapping[str, Localised] = field(default_factory=dict)
    requirements: frozenset[str] = frozenset()
    department: Localised | None = None
    elements: Mapping[str, str] | None = None
    """The kind of data of each claim; ``None`` where its side has not told."""

    def held(self, claims: Iterable[str]) -> frozenset[str] | None:
        """Return the kinds of data that claims are; one that its side has told nothing of is its own name."""
        if self.elements is None:
            return None
        return frozenset(self.elements.get(name, name) for name in claims)


@dataclass(frozen=True, slots=True)
class Issuer:
    """A side's issuer."""

    side: str
    name: str
    """Its address, which is what credentials call it (``iss``)."""
    keys: Sequence[Mapping[str, Any]]
    """Each with ``jwk``, ``since`` and ``until``."""
    types: Mapping[str, KnownType]
    """By ``vct``."""

    def key(self, kid: str, *, at: int) -> ECKey | None:
        """Return the key of that name if it signed at a time (seconds)."""
        for each in self.keys:
            if each["jwk"]["kid"] == kid and each["since"] <= at < each["until"]:
                return public_key(each["jwk"])
        return None

    def type_of(self, vct: str) -> KnownType:
        """Return what is known of a type; of one that was not announced, no more than its name."""
        known = self.types.get(vct)
        if known is not None:
            return known
        head = self.name + TYPES_PATH
        return KnownType(keepable(vct.removeprefix(head), 120))

    def requirements_of(self, code: str) -> frozenset[str] | None:
        """Return the requirements that a type meets, as its side announced it; ``None`` if it has not."""
        return next((each.requirements for each in self.types.values() if each.code == code), None)


def own_issuer() -> Issuer:
    """Return this side's issuer."""
    return Issuer(
        side=settings.NODE.side,
        name=settings.NODE.portal_origin,
        keys=[
            {
                "jwk": {**row.public, "kid": row.kid},
                "since": int(row.since.timestamp()),
                "until": int(row.until.timestamp()),
            }
            for row in keys.published()
        ],
        types={
            vct_of(each.code): KnownType(
                each.code,
                each.title,
                {claim.name: claim.title for claim in each.claims},
                each.requirements,
                each.department_name,
                {claim.name: claim.element for claim in each.claims},
            )
            for each in catalogue().types.values()
        },
    )


def peer_issuer(side: str) -> Issuer | None:
    """Return another side's issuer, if it was announced."""
    row = PeerIssuer.objects.filter(side=side).first()
    return None if row is None else _read(row)


def peer_named(name: str) -> Issuer | None:
    """Return the issuer of that address, if a side announced it."""
    row = PeerIssuer.objects.filter(issuer=name[:200]).first()
    return None if row is None else _read(row)


def peer_issuers() -> list[Issuer]:
    """Return the issuers of all other sides that announced one, by side."""
    return [_read(row) for row in PeerIssuer.objects.order_by("side")]


def _read(row: PeerIssuer) -> Issuer:
    return Issuer(
        side=row.side,
        name=row.issuer,
        keys=row.keys,
        types={
            each["vct"]: KnownType(
                code=each["code"],
                title=_names(each["title"]),
                titles={claim["name"]: _names(claim["title"]) for claim in each["claims"]},
                requirements=frozenset(each["requirements"]),
                department=_names(each["department_name"]),
                elements=_elements(each["claims"]),
            )
            for each in row.types
        },
    )


def _elements(claims: Iterable[Mapping[str, Any]]) -> dict[str, str] | None:
    told = {claim["name"]: claim.get("element") for claim in claims}
    return None if None in told.values() else told  # type: ignore[return-value]  # none is missing


def _names(value: Mapping[str, str]) -> Localised:
    return Localised(value["en"], value["zh_hant"], value["zh_hans"])
