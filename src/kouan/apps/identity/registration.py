"""What a service is registered with, and the rules for it."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kouan.apps.identity.domain import CLAIMS, Level
from kouan.apps.identity.errors import (
    BadClaims,
    BadClientId,
    BadDepartment,
    BadLevel,
    BadLogoutUri,
    BadProfile,
    BadRedirectUri,
    BadServiceKeys,
    BadSides,
    BadText,
    NoLegalReason,
    NoRedirectUri,
    PublicClientKeys,
)
from kouan.apps.identity.models import Service
from kouan.apps.identity.provider.jose import DoesNotVerify, public_key
from kouan.core.sides import all_sides
from kouan.core.text import Localised

if TYPE_CHECKING:
    from typing import Self

    from kouan.apps.identity.errors import BadRegistration

CLIENT_ID: Final = r"[a-z][a-z0-9-]{1,62}[a-z0-9]"
MOST_URIS: Final = 10
MOST_KEYS: Final = 8
LONGEST_URI: Final = 500
LONGEST: Final = {"name": 120, "purpose": 300}
LONGEST_DEPARTMENT: Final = 200
LONGEST_REASON: Final = 500

_KINDS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "EC": (("kty", "crv", "x", "y"), "ES256"),
    "OKP": (("kty", "crv", "x"), "EdDSA"),
    "RSA": (("kty", "n", "e"), "PS256"),
}
_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """All that the register holds of a service."""

    client_id: str
    department: str
    name: Localised
    purpose: Localised
    profile: str = Service.Profile.FAPI2.value
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""
    jwks: Mapping[str, Any]
    """Public keys (RFC 7517)."""
    claims: tuple[str, ...] = ()
    legal_reason: str = ""
    level: int = Level.LOW.value
    sides: tuple[str, ...] = ()

    @classmethod
    def of(cls, service: Service) -> Self:
        """Return what is registered of a service."""
        return cls(
            client_id=service.client_id,
            department=service.department,
            name=service.name,
            purpose=service.purpose,
            profile=service.profile,
            redirect_uris=tuple(service.redirect_uris),
            post_logout_redirect_uris=tuple(service.post_logout_redirect_uris),
            backchannel_logout_uri=service.backchannel_logout_uri,
            jwks=service.jwks,
            claims=tuple(service.claims),
            legal_reason=service.legal_reason,
            level=service.level,
            sides=tuple(service.sides),
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what a file says; raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
        texts = {key: Localised.from_mapping(value[key], where=key) for key in ("name", "purpose")}
        lists = {
            key: tuple(value.get(key, ()))
            for key in ("redirect_uris", "post_logout_redirect_uris", "claims", "sides")
        }
        return cls(**{"jwks": {}} | dict(value) | texts | lists)

    def to_json(self) -> dict[str, Any]:
        """Return what the API and the history of changes show."""
        lists = {
            key: list(getattr(self, key))
            for key in ("redirect_uris", "post_logout_redirect_uris", "claims", "sides")
        }
        texts = {"name": self.name.as_mapping(), "purpose": self.purpose.as_mapping()}
        return asdict(self) | lists | texts | {"jwks": dict(self.jwks)}

    def columns(self) -> dict[str, Any]:
        """Return the values of the table's columns."""
        value = self.to_json()
        for key in ("name", "purpose"):
            for language, text in value.pop(key).items():
                value[f"{key}_{language.replace('-', '_')}"] = text
        return value


def checked(given: Registration, *, side: str, demonstration: bool) -> Registration:
    """Return a registration as it is kept; raises the ``BadRegistration`` of its first fault.

    ``http`` on this very machine is an address for demonstrations alone.
    """
    if not re.fullmatch(CLIENT_ID, given.client_id):
        raise BadClientId
    department = " ".join(given.department.split())
    if not 0 < len(department) <= LONGEST_DEPARTMENT:
        raise BadDepartment
    for key, limit in LONGEST.items():
        texts = getattr(given, key).as_mapping().values()
        if not all(0 < len(text.strip()) <= limit for text in texts):
            raise BadText(field=key, limit=limit)
    if given.profile not in Service.Profile.values:
        raise BadProfile
    _addresses(given, demonstration=demonstration)
    jwks = _keys(given.profile, given.jwks)
    _claims(given)
    if given.level not in list(Level):
        raise BadLevel
    sides = [each.code for each in all_sides()]
    for each in given.sides:
        if each not in sides:
            raise BadSides(side=str(each)[:16])
    return replace(
        given,
        department=department,
        jwks=jwks,
        claims=tuple(name for name in CLAIMS if name in given.claims),
        legal_reason=given.legal_reason.strip() if "document_number" in given.claims else "",
        sides=tuple(each for each in sides if each in given.sides and each != side),
    )


def _addresses(given: Registration, *, demonstration: bool) -> None:
    if not 0 < len(given.redirect_uris) <= MOST_URIS:
        raise NoRedirectUri(limit=MOST_URIS)
    if len(given.post_logout_redirect_uris) > MOST_URIS:
        raise NoRedirectUri(limit=MOST_URIS)
    back = (given.backchannel_logout_uri,) if given.backchannel_logout_uri else ()
    groups: tuple[tuple[Sequence[str], type[BadRegistration]], ...] = (
        (given.redirect_uris, BadRedirectUri),
        ((*given.post_logout_redirect_uris, *back), BadLogoutUri),
    )
    for uris, error in groups:
        for uri in uris:
            if not is_redirect_uri(uri, demonstration=demonstration):
                raise error(uri=str(uri)[:LONGEST_URI])


def is_redirect_uri(uri: object, *, demonstration: bool) -> bool:
    """Return whether people may be sent back there: https, or in a demonstration http on this machine.

    It is compared letter by letter (RFC 9700 section 2.1), so nothing in it may stand for something else.
    """
    if not isinstance(uri, str) or not 0 < len(uri) <= LONGEST_URI or not re.fullmatch(r"[\x21-\x7e]+", uri):
        return False
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or port == 0 or set(uri) & set("*#\\") or "@" in parts.netloc or "%" in parts.netloc:
        return False
    if parts.scheme == "https":
        return True
    return demonstration and parts.scheme == "http" and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _claims(given: Registration) -> None:
    for claim in given.claims:
        if claim not in CLAIMS:
            raise BadClaims(claim=str(claim)[:40])
    reason = given.legal_reason.strip()
    if "document_number" in given.claims and not 0 < len(reason) <= LONGEST_REASON:
        raise NoLegalReason


def parse_keys(text: str) -> dict[str, Any]:
    """Return what a text says as JSON; raises ``BadServiceKeys``. An empty one is a set without keys."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (RecursionError, ValueError):
        raise BadServiceKeys(detail="JSON", limit=MOST_KEYS) from None
    if not isinstance(value, dict):
        raise BadServiceKeys(detail="JSON", limit=MOST_KEYS)
    return value


def _keys(profile: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
    given = jwks.get("keys", []) if isinstance(jwks, Mapping) else None
    if profile == Service.Profile.PUBLIC:
        if given:
            raise PublicClientKeys
        return {}
    if not isinstance(given, list) or not 0 < len(given) <= MOST_KEYS:
        raise BadServiceKeys(detail="keys", limit=MOST_KEYS)
    keys = [_key(each) for each in given]
    if len({key["kid"] for key in keys}) != len(keys):
        raise BadServiceKeys(detail="kid", limit=MOST_KEYS)
    return {"keys": keys}


def _key(given: Any) -> dict[str, str]:
    """Return a public key in the form in which it is kept; nothing but its public members and its name."""
    kind = str(given.get("kty")) if isinstance(given, dict) else ""
    if kind not in _KINDS:
        raise BadServiceKeys(detail="kty", limit=MOST_KEYS)
    if _PRIVATE & given.keys():
        raise BadServiceKeys(detail="private", limit=MOST_KEYS)
    if given.get("crv") != _CURVES.get(kind) or given.get("use", "sig") != "sig":
        raise BadServiceKeys(detail="crv" if given.get("use", "sig") == "sig" else "use", limit=MOST_KEYS)
    members, alg = _KINDS[kind]
    try:
        key = public_key({name: given.get(name) for name in members})
    except DoesNotVerify:  # whatever it signed would not either
        raise BadServiceKeys(detail=kind, limit=MOST_KEYS) from None
    kid, public = given.get("kid", key.thumbprint()), key.as_dict(private=False)
    if not isinstance(kid, str) or not re.fullmatch(r"[\x21-\x7e]{1,100}", kid):
        raise BadServiceKeys(detail="kid", limit=MOST_KEYS)
    return {name: str(public[name]) for name in members} | {"kid": kid, "use": "sig", "alg": alg}


def differences(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[tuple[str, str, str]]:
    """Return what differs between two states of a registration: the name, before, after."""
    if before is None or after is None:
        return []
    return [
        (name, _brief(before.get(name)), _brief(after.get(name)))
        for name in sorted(after)  # the database keeps no order
        if before.get(name) != after.get(name)
    ]


def _brief(value: Any) -> str:
    """Return a value in one line; a key by its name alone."""
    match value:
        case {"keys": list() as keys}:
            return ", ".join(str(key.get("kid", "")) for key in keys)
        case dict():
            return " · ".join(str(each) for each in value.values())
        case list():
            return ", ".join(str(each) for each in value)
        case None:
            return ""
        case _:
            return str(value)
