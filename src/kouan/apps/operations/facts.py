"""What watching reads: cheap enough to be asked every few seconds beside a busy channel."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from django.conf import settings
from django.db.models import Count, Max, Min

from kouan.apps.operations.alarms import RECENT, KeyFacts, PeerFacts, WatchFacts
from kouan.apps.operations.ledger_view import witnessing
from kouan.apps.operations.queries import DEAD_MOST, dead_letter_count
from kouan.core.exchange.models import Batch, InboxMessage, Incident, OutboxMessage, Stream
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.models import Cosignature, Equivocation, SignedCheckpoint
from kouan.core.ledger.notes import witness_name
from kouan.core.trust.keys import SECOND_USES, KeyUse
from kouan.core.trust.models import Member
from kouan.core.trust.queries import members, own
from kouan.core.watch import concerns, deadlines, missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

SIZE_FILE: Final = "ledger-size"
"""In the run folder: the largest size of the ledger, so that an older database in its place shows."""
_PEERS_KEYS: Final = (KeyUse.SIGN, KeyUse.DECRYPT)


def watch_facts(now: datetime) -> WatchFacts:
    """Read everything that figures and alarms are made of."""
    waiting = InboxMessage.objects.filter(state=InboxMessage.State.WAITING)
    checkpoint: Any = SignedCheckpoint.objects.order_by("-size").values_list("size", "published_at").first()
    size = ledger.size()
    return WatchFacts(
        peers=tuple(_peers(now)),
        keys=tuple(_keys(now)),
        inbox_waiting=waiting.count(),
        unhandled_since=waiting.order_by("pk").values_list("received_at", flat=True).first(),
        dead_letters=dead_letter_count(),
        incidents=Incident.objects.count(),
        recent_incidents=Incident.objects.filter(settled_at__isnull=True).count(),
        equivocations=len(Equivocation.objects.values("pk")[:DEAD_MOST]),
        recent_equivocations=Equivocation.objects.filter(at__gt=now - RECENT).count(),
        ledger_size=size,
        ledger_was=max(_largest(size), checkpoint[0] if checkpoint else 0),
        checkpoint_at=checkpoint[1] if checkpoint else None,
        deadlines=deadlines.known(now),
        concerns=concerns.known(now),
        disk_free=_disk_free(),
    )


def _peers(now: datetime) -> Iterator[PeerFacts]:
    unrecorded = missing.since(now)
    contacts = dict(Stream.objects.values_list("peer", "last_contact_at"))
    waiting = dict(
        OutboxMessage.objects.filter(state=OutboxMessage.State.WAITING)
        .order_by()
        .values_list("peer")
        .annotate(Count("pk"))
    )
    for side, imported_at in Member.objects.order_by("side").values_list("side", "imported_at"):
        signed = Cosignature.objects.filter(witness=witness_name(side)).aggregate(at=Max("at"))["at"]
        yield PeerFacts(
            peer=side,
            known_since=imported_at,
            last_contact_at=contacts.get(side),
            waiting=waiting.get(side, 0),
            oldest_at=_oldest(side),
            unwitnessed_since=witnessing(side).behind_since,
            cosigned_at=signed,
            unrecorded_since=unrecorded.get(side),
        )


def _oldest(peer: str) -> datetime | None:
    """Return when the oldest message was made that waits, or went without a receipt so far."""
    lines = OutboxMessage.objects.filter(peer=peer)
    first = lines.filter(state=OutboxMessage.State.WAITING).order_by("pk")
    times = [first.values_list("created_at", flat=True).first()]
    batch = Batch.objects.filter(peer=peer, receipt__isnull=True, count__gt=0).order_by("pk")
    key = batch.values_list("pk", flat=True).first()
    if key is not None:
        times.append(lines.filter(batch=key).aggregate(at=Min("created_at"))["at"])
    return min((at for at in times if at is not None), default=None)


def _keys(now: datetime) -> Iterator[KeyFacts]:
    """Return the end of the newest key of each use: all of ours, and those of the peers that we need."""
    ours = own()
    for member in (ours.public, *members()):
        content = member.trust.content
        uses = sorted({key.use for key in content.keys})
        for use in uses:
            end = max(key.until for key in content.keys if key.use is use)
            if use in SECOND_USES and end <= now:
                continue  # this side stopped signing twice
            if member.side == ours.side or use in _PEERS_KEYS:
                yield KeyFacts(member.side, use.value, end)
    with contextlib.suppress(OSError, ValueError):  # readiness says what is wrong with it
        certificate = x509.load_pem_x509_certificate(ours.tls_certificate.read_bytes())
        yield KeyFacts(ours.side, KeyUse.TLS.value, certificate.not_valid_after_utc)


def _largest(size: int) -> int:
    """Return the largest size that the ledger is known to have had; keep it when it is the present one."""
    path = settings.NODE.run / SIZE_FILE
    try:
        kept = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        kept = 0
    if size > kept:
        with contextlib.suppress(OSError):  # a hint that is lost; a full disk is an alarm of its own
            new = path.with_suffix(".new")
            new.write_text(f"{size}\n", encoding="ascii")
            new.replace(path)
    return max(size, kept)


def _disk_free() -> int:
    folders = {settings.NODE.home}
    name = settings.DATABASES["default"].get("NAME")
    engine = settings.DATABASES["default"]["ENGINE"]
    if "sqlite" in engine and isinstance(name, str) and name.startswith("/"):
        folders.add(type(settings.NODE.home)(name).parent)
    return min(shutil.disk_usage(folder).free for folder in folders if folder.exists())
