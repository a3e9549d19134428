"""Telling each member of this side's provider, and keeping what they tell of theirs.

A member is told when it is new, when issuer or keys have changed, and once a day besides, so that one that
has lost it has it again. Keys are announced ahead of their first signature (``keys``).
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from kouan.apps.identity import keys, receipts
from kouan.apps.identity.crossings import PROVIDER, ProviderAnnouncement, ProviderKey
from kouan.apps.identity.models import Announcement, PeerProvider, SigningKey
from kouan.apps.identity.nodes.errors import UnknownAnnouncement
from kouan.core.database.locks import take_turn
from kouan.core.errors import KouanError
from kouan.core.exchange import incidents
from kouan.core.exchange.outbox import send
from kouan.core.policy import Denied
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.core.exchange import Received

log = logging.getLogger(__name__)

AGAIN_AFTER: Final = timedelta(days=1)
REFUSED_AGAIN_AFTER: Final = timedelta(minutes=1)
_NOT_ALLOWED_AGAIN_AFTER: Final = timedelta(minutes=1)
_USES: Final = (SigningKey.Use.TOKEN, SigningKey.Use.CLIENT, SigningKey.Use.RECEIPT)
_silent: dict[str, str] = {}
"""Why a member is not told, by side, as this process has logged it."""


def announce(*, now: datetime | None = None) -> bool:
    """Tell each member what it does not know yet; more is never waiting."""
    now = now or timezone.now()
    for use in _USES:
        keys.current(use, now=now)
    published = _published(now)
    digest = _digest(published)
    for member in members():
        if _is_due(member.side, digest, now):
            _tell(member.side, published, digest, now)
    return False


def keep(*, message: Received[ProviderAnnouncement]) -> None:
    """Keep what a member says of its provider, if it is later than what is known of it.

    Raises ``UnknownAnnouncement`` for keys that are none and for another side's address.
    """
    said = message.payload
    if not settings.NODE.demonstration and not said.issuer.startswith("https://"):
        raise UnknownAnnouncement(detail="its address is not https")
    others = PeerProvider.objects.exclude(side=message.sender).filter(issuer=said.issuer)
    if said.issuer == settings.NODE.portal_origin or others.exists():
        raise UnknownAnnouncement(detail="its address is another side's")
    now = timezone.now()
    values = {
        "issuer": said.issuer,
        "keys": [_kept(key) for key in said.keys],
        "serial": said.serial,
        "told_at": now,
        "message_id": message.id,
    }
    row, made = PeerProvider.objects.select_for_update().get_or_create(side=message.sender, defaults=values)
    if made:
        log.info("%s has announced its provider %s", message.sender, said.issuer)
        return
    if row.serial >= said.serial:
        return
    if row.issuer != said.issuer:
        incidents.note(
            message.sender,
            incidents.PROVIDER_MOVED,
            f"{row.issuer} -> {said.issuer}",
            json.dumps(said.model_dump()).encode(),
            json.dumps({"issuer": row.issuer, "serial": row.serial, "keys": row.keys}).encode(),
            now=now,
        )
    PeerProvider.objects.filter(pk=row.pk).update(**values)


def not_told(*, side: str) -> None:
    """Have a member told again soon whose node did not take what it was told."""
    Announcement.objects.filter(side=side).update(digest=b"", next_at=timezone.now() + REFUSED_AGAIN_AFTER)


def _published(now: datetime) -> list[SigningKey]:
    """Return the keys that a peer needs: those that sign, and those of receipts that still stand."""
    earlier = SigningKey.objects.filter(use=SigningKey.Use.RECEIPT, until__gt=now - receipts.VALID_FOR)
    known = {row.kid: row for row in (*keys.published(*_USES, now=now), *earlier)}
    return sorted(known.values(), key=lambda row: (row.since, row.pk))


def _is_due(side: str, digest: bytes, now: datetime) -> bool:
    row = Announcement.objects.filter(side=side).first()
    if row is None:
        return True
    # What was refused or not allowed waits a little; what has changed since does not.
    return row.next_at <= now or bytes(row.digest) not in {digest, b""}


def _tell(side: str, published: list[SigningKey], digest: bytes, now: datetime) -> None:
    with transaction.atomic():
        take_turn(f"identity-announcement-{side}")  # of several workers one tells
        if not _is_due(side, digest, now):
            return
        row, _ = Announcement.objects.get_or_create(side=side, defaults={"next_at": now})
        serial = max(row.serial + 1, int(now.timestamp()))
        try:
            send(PROVIDER, to=side, payload=_payload(published, serial))
        except Denied as error:
            _say_once(side, f"{side} is not told of this side's identity provider: {error}")
            row.digest, row.next_at = b"", now + _NOT_ALLOWED_AGAIN_AFTER
        except KouanError as error:
            _say_once(side, f"{side} cannot be told of this side's identity provider: {error}")
            return
        else:
            _silent.pop(side, None)
            row.serial, row.digest, row.next_at = serial, digest, now + AGAIN_AFTER
        row.save()


def _say_once(side: str, why: str) -> None:
    if _silent.get(side) != why:
        _silent[side] = why
        log.warning("%s", why)


def _payload(published: list[SigningKey], serial: int) -> ProviderAnnouncement:
    return ProviderAnnouncement(
        issuer=settings.NODE.portal_origin,
        serial=serial,
        keys=[
            ProviderKey(
                use=row.use,  # type: ignore[arg-type]  # the uses that are announced
                kid=row.kid,
                x=row.public["x"],
                y=row.public["y"],
                since=int(row.since.timestamp()),
                until=int(row.until.timestamp()),
            )
            for row in published
        ],
    )


def _digest(published: list[SigningKey]) -> bytes:
    text = json.dumps([settings.NODE.portal_origin, [row.kid for row in published]])
    return hashlib.sha256(text.encode()).digest()


def _kept(key: ProviderKey) -> dict[str, Any]:
    jwk: dict[str, Any] = {"kty": "EC", "crv": "P-256", "x": key.x, "y": key.y}
    try:
        right = ECKey.import_key(jwk).thumbprint() == key.kid and key.since < key.until
    except (JoseError, ValueError):
        right = False
    if not right:
        raise UnknownAnnouncement(detail="one of its keys is none")
    return {"use": key.use, "jwk": {**jwk, "kid": key.kid}, "since": key.since, "until": key.until}


def key_set(provider: PeerProvider, use: str) -> dict[str, dict[str, Any]]:
    """Return the public keys of a peer's provider for one use, by ``kid``, whenever they count."""
    return {key["jwk"]["kid"]: key for key in provider.keys if key["use"] == use}
