"""What the two tokens of another side's node must say before anything is taken from them.

OpenID Connect Core sections 3.1.3.7 and 5.3.4, and this project's own rules: one algorithm, keys that were
announced over the door and counted when they signed, a level that both sides know.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.identity.domain import CLAIMS, CLOCKS, TOKEN_LIFE, Level
from kouan.apps.identity.nodes import proofs
from kouan.apps.identity.nodes.details import LINK
from kouan.apps.identity.provider.jose import DoesNotVerify, half_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime, timedelta

_SUBJECT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_AMR: Final = re.compile(r"[a-z0-9_-]{1,20}")
_MOST_AMR: Final = 10
_MOST_TEXT: Final = 300
_MOST_SECONDS: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Expected:
    """What this node asked for, and of whom."""

    issuer: str
    client_id: str
    nonce: str
    level: Level
    keys: Mapping[str, Mapping[str, Any]]
    """The peer's announced token keys by ``kid``: ``{"jwk", "since", "until"}``."""
    claims: Collection[str]
    """The names of the claims that were asked for."""
    not_before: datetime | None
    """When the person must have authenticated at the earliest; nothing where any time will do."""
    tolerance: timedelta
    """How far the two clocks may be apart."""


@dataclass(frozen=True, slots=True)
class Person:
    """What another side's node says of a person, once all of it has been checked."""

    subject: str
    sid: str
    level: Level
    amr: tuple[str, ...]
    authenticated_at: int
    """By this side's clock."""
    claims: Mapping[str, str]
    link: str
    id_token_digest: bytes
    userinfo_digest: bytes


def check_tokens(
    id_token: str, access_token: str, userinfo: str, expected: Expected, *, now: datetime
) -> Person:
    """Return the person; raises ``DoesNotVerify`` with the name of the rule that was broken."""
    said = _opened(id_token, expected, now)
    _same(said, "nonce", expected.nonce)
    exp = _seconds(said, "exp")
    iat = _seconds(said, "iat")
    if not now.timestamp() - expected.tolerance.total_seconds() < exp <= iat + TOKEN_LIFE.total_seconds():
        raise DoesNotVerify("exp")
    if said.get("azp", expected.client_id) != expected.client_id:
        raise DoesNotVerify("azp")
    if said.get("at_hash", half_hash(access_token)) != half_hash(access_token):
        raise DoesNotVerify("at_hash")
    subject = said.get("sub")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise DoesNotVerify("sub")
    level = _level(said, expected.level)
    # How long that was before the token was issued is a time between two moments of one clock, the peer's. By
    # ours it was so long before now: no tolerance between the clocks makes an old sign-in a fresh one.
    age = iat - _seconds(said, "auth_time")
    if age < -CLOCKS.total_seconds():
        raise DoesNotVerify("auth_time")
    authenticated = int(now.timestamp()) - max(0, age)
    earliest = expected.not_before
    if earliest is not None and authenticated < (earliest - CLOCKS).timestamp():
        raise DoesNotVerify("auth_time")
    return Person(
        subject=subject,
        sid=_uuid(said, "sid"),
        level=level,
        amr=_amr(said),
        authenticated_at=authenticated,
        claims=_told(userinfo, subject, level, expected, now),
        link=_uuid(said, LINK) if LINK in said else "",
        id_token_digest=hashlib.sha256(id_token.encode()).digest(),
        userinfo_digest=hashlib.sha256(userinfo.encode()).digest(),
    )


def _told(userinfo: str, subject: str, level: Level, expected: Expected, now: datetime) -> Mapping[str, str]:
    said = _opened(userinfo, expected, now)
    _same(said, "sub", subject)
    told = {}
    for name in expected.claims:
        value = said.get(name)
        claim = CLAIMS[name]
        if value is None or not claim.crosses or level < claim.level:
            continue
        if not isinstance(value, str) or not 0 < len(value) <= _MOST_TEXT or not value.isprintable():
            raise DoesNotVerify("claims")
        told[name] = value
    return told


def _opened(token: str, expected: Expected, now: datetime) -> dict[str, Any]:
    """Return a token's claims once signature, key, issuer, audience and time of issue are right."""
    kid, said = proofs.opened(token, {name: key["jwk"] for name, key in expected.keys.items()})
    iat = _seconds(said, "iat")
    age, tolerance = now.timestamp() - iat, expected.tolerance.total_seconds()
    if not -tolerance <= age <= tolerance + TOKEN_LIFE.total_seconds():
        raise DoesNotVerify("iat")
    key = expected.keys[kid]
    if not key["since"] <= iat < key["until"]:
        raise DoesNotVerify("key-not-valid-then")
    _same(said, "iss", expected.issuer)
    if said.get("aud") not in (expected.client_id, [expected.client_id]):
        raise DoesNotVerify("aud")
    return said


def _level(said: Mapping[str, Any], wanted: Level) -> Level:
    acr = said.get("acr")
    try:
        level = Level.of_acr(acr if isinstance(acr, str) else "")
    except ValueError:
        raise DoesNotVerify("acr") from None
    if not level.crosses or level < wanted:
        raise DoesNotVerify("acr")
    return level


def _amr(said: Mapping[str, Any]) -> tuple[str, ...]:
    amr = said.get("amr", [])
    if not isinstance(amr, list) or len(amr) > _MOST_AMR:
        raise DoesNotVerify("amr")
    if not all(isinstance(each, str) and _AMR.fullmatch(each) for each in amr):
        raise DoesNotVerify("amr")
    return tuple(amr)


def _same(said: Mapping[str, Any], name: str, value: str) -> None:
    if said.get(name) != value:
        raise DoesNotVerify(name)


def _seconds(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    if type(value) is not int or not 0 < value < _MOST_SECONDS:
        raise DoesNotVerify(name)
    return value


def _uuid(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    try:
        found = str(uuid.UUID(value if isinstance(value, str) else ""))
    except ValueError:
        raise DoesNotVerify(name) from None
    if found != value:
        raise DoesNotVerify(name)
    return found
