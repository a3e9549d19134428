"""Whether there is room for another file: a quota for each peer and direction, and a floor of free disk."""

from __future__ import annotations

from django.conf import settings
from django.db.models import F, Sum

from kouan.core.exchange.blobs import folder
from kouan.core.exchange.blobs.errors import DiskLow, NoRoomForBlob
from kouan.core.exchange.blobs.models import ReceivedBlob, SentBlob
from kouan.core.exchange.blobs.stream import SEALED_CHUNK


def room_to_send(peer: str, size: int) -> None:
    """Raise ``NoRoomForBlob`` or ``DiskLow`` if ``size`` more sealed bytes for ``peer`` do not fit."""
    _within_quota(peer, size, SentBlob.objects.filter(peer=peer).exclude(state=SentBlob.State.GONE))
    _above_floor(size)


def room_to_receive(peer: str, size: int) -> None:
    """Raise ``NoRoomForBlob`` or ``DiskLow`` if ``size`` more sealed bytes of ``peer`` do not fit.

    What was promised to any peer and has not arrived yet counts as if it had.
    """
    states = ReceivedBlob.State
    kept = ReceivedBlob.objects.filter(peer=peer, state__in=[states.FETCHING, states.HERE])
    _within_quota(peer, size, kept)
    coming = ReceivedBlob.objects.filter(state=states.FETCHING).aggregate(
        bytes=Sum(F("sealed_size") - F("chunks") * SEALED_CHUNK)
    )["bytes"]
    _above_floor(size + max(0, coming or 0))


def _within_quota(peer: str, size: int, kept: object) -> None:
    quota = settings.NODE.blobs.quota_bytes
    used = kept.aggregate(bytes=Sum("sealed_size"))["bytes"] or 0  # type: ignore[attr-defined]
    if used + size > quota:
        raise NoRoomForBlob(size=size, peer=peer, quota=quota, used=used)


def _above_floor(size: int) -> None:
    keep = settings.NODE.blobs.min_free_bytes
    if folder.free_bytes() - size < keep:
        raise DiskLow(size=size, keep=keep)
