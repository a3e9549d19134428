"""Keeping what other sides tell of their issuers and status lists."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone

from kouan.apps.evidence.errors import UnknownAnnouncement
from kouan.apps.evidence.issuers import peer_issuer
from kouan.apps.evidence.models import PeerIssuer, PeerStatusList
from kouan.apps.evidence.sdjwt import status as lists
from kouan.apps.evidence.sdjwt.signing import Malformed, header_of, payload_of, public_key
from kouan.apps.evidence.statuses import LEEWAY, LONGEST, PATH

if TYPE_CHECKING:
    from kouan.apps.evidence.crossings import IssuerKeyTold, IssuerTold, IssuerTold1, StatusListTold
    from kouan.core.exchange import Received

log = logging.getLogger(__name__)

MOST_KEYS: Final = 512
"""Of one side, old ones among them."""
MOST_LISTS: Final = 1000
"""Of one side."""


def issuer(*, message: Received[IssuerTold] | Received[IssuerTold1]) -> None:
    """Keep what a side says of its issuer, if it is later than what is known of it.

    Raises ``UnknownAnnouncement`` for keys that are none, for types of another side, and for another side's
    address. A key that was announced before stays known, whatever is said later: what it signed is out there.
    """
    said = message.payload
    if not settings.NODE.demonstration and not said.issuer.startswith("https://"):
        raise UnknownAnnouncement(detail="its address is not https")
    others = PeerIssuer.objects.exclude(side=message.sender).filter(issuer=said.issuer)
    if said.issuer == settings.NODE.portal_origin or others.exists():
        raise UnknownAnnouncement(detail="its address is another side's")
    if any(not each.code.startswith(f"{message.sender}.") for each in said.types):
        raise UnknownAnnouncement(detail="one of its types is another side's")
    if len({each.vct for each in said.types}) < len(said.types):
        raise UnknownAnnouncement(detail="two of its types have one name")
    values: dict[str, Any] = {
        "issuer": said.issuer,
        "keys": [_kept(key) for key in said.keys],
        "types": [each.model_dump() for each in said.types],
        "serial": said.serial,
        "told_at": timezone.now(),
    }
    row, made = PeerIssuer.objects.select_for_update().get_or_create(side=message.sender, defaults=values)
    if made:
        log.info("%s has announced its issuer of evidence %s", message.sender, said.issuer)
        return
    if row.serial >= said.serial:
        return
    if row.issuer != said.issuer:
        log.warning(
            "%s has moved its issuer of evidence from %s to %s", message.sender, row.issuer, said.issuer
        )
    told = {each["jwk"]["kid"] for each in values["keys"]}
    values["keys"] += [each for each in row.keys if each["jwk"]["kid"] not in told]
    if len(values["keys"]) > MOST_KEYS:
        raise UnknownAnnouncement(detail=f"it has had more than {MOST_KEYS} keys")
    PeerIssuer.objects.filter(pk=row.pk).update(**values)


def status(*, message: Received[StatusListTold]) -> None:
    """Keep a list that the sender's issuer signed, if it is later than the one that is here.

    Raises ``UnknownAnnouncement`` for a list that is none, or no list of the sender's.
    """
    issuer_ = peer_issuer(message.sender)
    if issuer_ is None:
        raise UnknownAnnouncement(detail="its issuer is not known yet")
    token = message.payload.token
    try:
        kid, iat = header_of(token).get("kid"), payload_of(token).get("iat")
        key = issuer_.key(kid, at=iat) if isinstance(kid, str) and type(iat) is int else None
        if key is None:
            raise Malformed("no key of that day")
        held = lists.read(token, key)
    except ValueError as error:
        raise UnknownAnnouncement(detail=f"a status list: {error}") from None
    if not held.uri.startswith(issuer_.name + PATH):
        raise UnknownAnnouncement(detail="a status list of another address")
    issued_at, now = _moment(held.issued_at), timezone.now()
    if issued_at > now + LEEWAY:
        raise UnknownAnnouncement(detail="a status list of a time to come")
    if held.ttl is not None and held.ttl > LONGEST.total_seconds():
        raise UnknownAnnouncement(detail=f"a status list that counts for more than {LONGEST.days} days")
    known = PeerStatusList.objects.filter(side=message.sender)
    if known.count() >= MOST_LISTS and not known.filter(uri=held.uri).exists():
        raise UnknownAnnouncement(detail=f"it has more than {MOST_LISTS} status lists")
    values = {
        "bits": held.bits,
        "data": held.data,
        "issued_at": issued_at,
        "expires_at": None if held.expires_at is None else _moment(held.expires_at),
        "ttl": held.ttl,
        "received_at": now,
    }
    row, made = PeerStatusList.objects.select_for_update().get_or_create(
        side=message.sender, uri=held.uri, defaults=values
    )
    # Of two of the same second the one that came later is the later one: messages of a side keep their order.
    if not made and row.issued_at <= issued_at:
        PeerStatusList.objects.filter(pk=row.pk).update(**values)


def _kept(key: IssuerKeyTold) -> dict[str, Any]:
    jwk = {"kty": "EC", "crv": "P-256", "x": key.x, "y": key.y}
    try:
        right = public_key(jwk).thumbprint() == key.kid and key.since < key.until
    except ValueError:
        right = False
    if not right:
        raise UnknownAnnouncement(detail="one of its keys is none")
    return {"jwk": {**jwk, "kid": key.kid}, "since": key.since, "until": key.until}


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
