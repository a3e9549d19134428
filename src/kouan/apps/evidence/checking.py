"""Checking credentials: those that another side presents, and those that anybody brings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from kouan.apps.evidence.domain import RESERVED, plain_name
from kouan.apps.evidence.issuers import Issuer, own_issuer, peer_issuer, peer_named
from kouan.apps.evidence.models import PeerStatusList, StatusList
from kouan.apps.evidence.sdjwt import status as lists
from kouan.apps.evidence.sdjwt.making import CREDENTIAL
from kouan.apps.evidence.sdjwt.reading import BadBinding, Parts, bound, disclosed, is_time, split, unverified
from kouan.apps.evidence.sdjwt.signing import BadSignature, Malformed, header_of, verified
from kouan.apps.evidence.statuses import GRACE, LEEWAY, LONGEST, TTL, uri_of
from kouan.core.credentials import Checked, Verdict
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPES: Final = (CREDENTIAL, "vc+sd-jwt")
"""What a credential's header calls it; the second is the older name, by which some still issue."""
MAX_PRESENTATION: Final = 48 * 1024
_ACR: Final = re.compile(r"urn:gba:loa:([1-4])")
_AUDIENCE: Final = "urn:kouan:side:"
_VERDICTS: Final[Mapping[int, Verdict]] = {lists.INVALID: Verdict.REVOKED, lists.SUSPENDED: Verdict.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Found:
    """What a check of a credential came to, with what a page shows of it."""

    verdict: Verdict
    side: str = ""
    type: str = ""
    title: Localised | None = None
    department: str = ""
    department_name: Localised | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    """What is disclosed; only where it is what the issuer signed."""
    titles: Mapping[str, Localised] = field(default_factory=dict)
    issued_at: datetime | None = None
    """Since when what it says holds: a showing is issued anew each time."""
    expires_at: datetime | None = None
    has_key: bool = False
    """Whether it is bound to a key of its holder."""
    shown_to: str = ""
    """For whom its holder proved that key, if they did."""
    level: int = 0
    elements: frozenset[str] | None = None
    """The kinds of data of ``claims`` (``issuers.KnownType.held``); ``None`` where its side has not told."""


def check(text: str, *, sender: str, matter: str, now: datetime, requirement: str = "") -> Checked:
    """Check what ``sender`` presented for ``matter``; never raises for what is in ``text``.

    With an empty ``matter`` no binding is asked for: that is for results, which are shown to nobody yet.
    """
    found = examine(text, now=now, sender=sender, matter=matter)
    verdict, proves = found.verdict, None
    if verdict is Verdict.GOOD and requirement:
        proves = _requirements(sender, found.type)
        if requirement not in (proves or ()):
            verdict = Verdict.NOT_ASKED
    good = verdict is Verdict.GOOD
    return Checked(
        verdict=verdict,
        type=found.type,
        issuer=f"{found.side}:{found.department}" if found.side else "",
        claims=found.claims if good else {},
        titles=found.titles if good else {},
        issued_at=found.issued_at,
        expires_at=found.expires_at,
        level=found.level,
        title=found.title,
        department=found.department_name,
        announced=proves is not None,
        elements=found.elements,
    )


def examine(text: str, *, now: datetime, sender: str | None = None, matter: str = "") -> Found:
    """Check a credential of one side, or of any known one; with ``matter``, also for what it was shown."""
    try:
        if len(text) > MAX_PRESENTATION:
            return Found(Verdict.MALFORMED)
        parts = split(text)
        said = unverified(parts)
        issuer = _issuer(said.get("iss"), sender)
        if issuer is None:
            return Found(Verdict.UNKNOWN_ISSUER)
        found = _signed(parts, said, issuer, now)
    except (Malformed, RecursionError):
        return Found(Verdict.MALFORMED)
    except BadSignature:
        return Found(Verdict.BAD_SIGNATURE)
    return _judged(found, parts, said, issuer, now=now, matter=matter)


def _issuer(named: object, sender: str | None) -> Issuer | None:
    if not isinstance(named, str):
        raise Malformed("iss")
    own = settings.NODE.portal_origin
    if sender is None:
        return own_issuer() if named == own else peer_named(named)
    found = own_issuer() if sender == settings.NODE.side else peer_issuer(sender)
    return found if found is not None and found.name == named else None


def _signed(parts: Parts, said: dict[str, Any], issuer: Issuer, now: datetime) -> Found:
    """Return what the issuer signed, as far as that alone tells."""
    iat, nbf, exp = said.get("iat"), said.get("nbf"), said.get("exp")
    times = is_time(iat) and all(each is None or is_time(each) for each in (nbf, exp))
    if not times or not isinstance(said.get("vct"), str):
        raise Malformed("the credential's claims")
    issued_at = datetime.fromtimestamp(iat, UTC)  # type: ignore[arg-type]  # a time, as was just seen
    kid = header_of(parts.token).get("kid")
    key = issuer.key(kid, at=iat) if isinstance(kid, str) else None  # type: ignore[arg-type]  # as above
    if key is None:
        raise BadSignature("no key of the issuer's of that day")
    verified(parts.token, key, types=TYPES)
    if issued_at > now + LEEWAY:
        raise Malformed("issued in the future")
    since = issued_at if nbf is None else datetime.fromtimestamp(nbf, UTC)
    if since > now + LEEWAY:
        raise Malformed("of a time to come")
    whole = disclosed(said, parts.disclosures)
    if (set(whole) - set(said)) & RESERVED:
        raise Malformed("a claim that may not be hidden")
    claims = {plain_name(name): value for name, value in whole.items() if name not in RESERVED}
    if not all(isinstance(value, str) for value in claims.values()):
        raise Malformed("a claim that is no text")
    type_ = issuer.type_of(said["vct"])
    titles = {**_labels(said.get("labels")), **type_.titles}
    order = {name: place for place, name in enumerate(titles)}
    authority = said.get("issuing_authority")
    authority = authority if isinstance(authority, dict) else {}
    return Found(
        verdict=Verdict.GOOD,
        side=issuer.side,
        type=type_.code,
        title=type_.title or _localised(said.get("title")),
        department=str(authority.get("id", ""))[:64],
        department_name=_localised(authority.get("name")),
        claims=dict(sorted(claims.items(), key=lambda each: order.get(each[0], len(order)))),
        titles=titles,
        issued_at=min(since, issued_at),
        expires_at=None if exp is None else datetime.fromtimestamp(exp, UTC),
        has_key="cnf" in said,
        elements=type_.held(claims),
    )


def _judged(  # noqa: PLR0913 - all that counts
    found: Found, parts: Parts, said: dict[str, Any], issuer: Issuer, *, now: datetime, matter: str
) -> Found:
    shown_to, level = "", 0
    if matter or parts.binding:
        try:
            binding = bound(parts, said)
        except BadBinding:
            return _as(found, Verdict.BAD_BINDING)
        made = datetime.fromtimestamp(binding["iat"], UTC)
        right = binding["aud"] == _AUDIENCE + settings.NODE.side and binding["nonce"] == matter
        if (matter and not right) or made > now + LEEWAY or binding["iat"] < said["iat"]:
            return _as(found, Verdict.BAD_BINDING)
        shown_to = binding["aud"][:200]
        acr = _ACR.fullmatch(str(binding.get("acr", ""))[:40])
        level = int(acr[1]) if acr else 0
    try:
        verdict = _status(issuer, said, now)
    except Malformed:
        return Found(Verdict.MALFORMED)
    # What was taken back before its end was not good until its end.
    ended = found.expires_at is not None and found.expires_at <= now
    if ended and verdict in {Verdict.GOOD, Verdict.STATUS_UNKNOWN}:
        verdict = Verdict.EXPIRED
    return _as(found, verdict, shown_to=shown_to, level=level)


def _status(issuer: Issuer, said: dict[str, Any], now: datetime) -> Verdict:
    reference = lists.reference_of(said)
    if reference is None:  # the issuer lets it count until its end, and signed that
        return Verdict.GOOD
    uri, index = reference
    held = _own_list(uri) if issuer.side == settings.NODE.side else _peers_list(issuer.side, uri, now)
    value = None if held is None else lists.status_at(held.data, held.bits, index)
    if held is None or value is None:
        return Verdict.STATUS_UNKNOWN
    if value == lists.VALID:
        return Verdict.GOOD if held.counts else Verdict.STATUS_UNKNOWN
    return _VERDICTS.get(value, Verdict.REVOKED)


@dataclass(frozen=True, slots=True)
class _Held:
    """A status list that is here."""

    data: bytes
    bits: int
    counts: bool
    """Whether it is new enough to say that something is good; what it says is taken back stays so."""


def _own_list(uri: str) -> _Held | None:
    number = uri.rpartition("/")[2]
    if not number.isdecimal() or len(number) > 12 or uri != uri_of(int(number)):  # noqa: PLR2004 - no list has more digits
        return None
    row = StatusList.objects.filter(pk=int(number)).first()
    return None if row is None else _Held(bytes(row.bits), lists.BITS, counts=True)


def _peers_list(side: str, uri: str, now: datetime) -> _Held | None:
    row = PeerStatusList.objects.filter(side=side, uri=uri[:300]).first()
    if row is None:
        return None
    ttl = TTL if row.ttl is None else min(timedelta(seconds=row.ttl), LONGEST)
    old = row.issued_at + ttl + GRACE < now or (row.expires_at is not None and row.expires_at <= now)
    return _Held(bytes(row.data), row.bits, counts=not old)


def _as(found: Found, verdict: Verdict, *, shown_to: str = "", level: int = 0) -> Found:
    return replace(found, verdict=verdict, shown_to=shown_to, level=level)


def _requirements(side: str, type_: str) -> frozenset[str] | None:
    found = own_issuer() if side == settings.NODE.side else peer_issuer(side)
    return None if found is None else found.requirements_of(type_)


def _labels(value: object) -> dict[str, Localised]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {plain_name(str(name)): text for name, each in pairs if (text := _localised(each)) is not None}


def _localised(value: object) -> Localised | None:
    try:
        return Localised.from_mapping(value, where="") if isinstance(value, dict) else None
    except ValueError:
        return None
