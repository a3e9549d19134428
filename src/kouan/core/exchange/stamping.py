"""Having our checkpoints stamped with the time: what the worker does now and then.

A stamp shows that the ledger up to a checkpoint existed at a time, even to somebody who trusts neither
side. The authority learns a hash, and the channel never waits for it.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import services, stamp
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.models import SignedCheckpoint, TimeStamp

if TYPE_CHECKING:
    from kouan.sections import TimeSettings

log = logging.getLogger(__name__)

NAME: Final = "time-stamp"
MAX_STAMP: Final = 16 * 1024
"""Bytes of a time-stamp in a document, at most."""
LOOK_EVERY: Final = 5.0
"""Seconds between looks, and so between tries with an authority that does not answer."""


class UnusableAuthority(KouanError):
    """The file with the authority's certificates cannot be used."""

    code = "time-authority-unusable"
    status = 500
    message = _("The certificates in %(path)s cannot be read (%(detail)s). See `time.ca` in node.toml.")


def stamp_due() -> bool:
    """Have the newest checkpoint stamped if it is time to; never more than one, so nothing is left."""
    wanted: TimeSettings | None = settings.NODE.time
    if wanted is None:
        return False
    row = _due(wanted)
    if row is None:
        return False
    problem = ""
    try:
        _stamp(row, wanted)
    except KouanError as error:
        problem = str(error)
    if services.note_outcome(NAME, problem) and problem:
        log.warning("checkpoint %s is not stamped: %s", row.size, problem)
    return False


def stamped(digest: bytes, wanted: TimeSettings) -> stamp.Stamp:
    """Return the authority's stamp over a SHA-256; raises ``UnusableAuthority`` or what asking it raises."""
    try:
        roots = stamp.read_roots(wanted.ca.read_bytes())
    except (OSError, ValueError) as error:
        raise UnusableAuthority(path=str(wanted.ca), detail=type(error).__name__) from None
    nonce = secrets.randbits(stamp.NONCE_BITS)
    answer = services.post(
        wanted.tsa,
        stamp.request(digest, nonce=nonce, policy=wanted.policy),
        content_type=stamp.REQUEST_TYPE,
        max_answer=stamp.MAX_ANSWER,
    )
    if answer.status != 200 or answer.content_type.partition(";")[0].strip() != stamp.ANSWER_TYPE:  # noqa: PLR2004 - HTTP OK
        raise stamp.StampRefused(detail=f"HTTP {answer.status}")
    now = timezone.now()
    found = stamp.read_answer(
        answer.body, digest=digest, nonce=nonce, policy=wanted.policy, roots=roots, now=now
    )
    if abs((found.at - now).total_seconds()) > settings.NODE.exchange.clock_tolerance_s:
        raise stamp.StampDoesNotHold(
            detail=str(_("its time, %(at)s, is far from this node's clock")) % {"at": found.at.isoformat()}
        )
    return found


def _due(wanted: TimeSettings) -> SignedCheckpoint | None:
    """Return the checkpoint to stamp now: the newest final one, or the newest if the peers are silent."""
    last = TimeStamp.objects.select_related("checkpoint").order_by("-checkpoint__size").first()
    stamped = 0 if last is None else last.checkpoint.size
    row = ledger.newest_final(quorum=settings.NODE.quorum, after=stamped)
    if row is None:
        row = SignedCheckpoint.objects.filter(size__gt=stamped).order_by("-size").first()
    if row is None or last is None:
        return row
    late = timezone.now() - last.stored_at >= timedelta(seconds=wanted.every_s)
    return row if late or row.size - stamped >= wanted.every_leaves else None


def _stamp(row: SignedCheckpoint, wanted: TimeSettings) -> None:
    found = stamped(hashlib.sha256(row.note.encode()).digest(), wanted)
    # Another worker may have been as quick: the first stamp of a checkpoint stays.
    TimeStamp.objects.bulk_create(
        [
            TimeStamp(
                checkpoint=row,
                token=found.token,
                chain=cbor.encode(list(found.chain)),
                authority=found.authority,
                at=found.at,
                stored_at=timezone.now(),
            )
        ],
        ignore_conflicts=True,
    )
