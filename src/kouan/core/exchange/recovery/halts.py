"""Halted channels: the durable row that stops sealing, sending and accepting, and this worker's greetings."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange import wake
from kouan.core.exchange.models import Channel
from kouan.core.exchange.streams import lock_stream
from kouan.core.sides import side_name

if TYPE_CHECKING:
    from collections.abc import Mapping

RESTORED_CAUSES: Final = frozenset({Channel.Cause.RESTORED.value, Channel.Cause.PEER_RESTORED.value})


class RestoredFromBackup(KouanError):
    """The channel is halted, since one side's database is older than what the other holds of it."""

    code = "restored-from-backup"
    status = 503
    message = _(
        "The channel with %(peer)s is halted: a database went back to an older state. Operators of both "
        "sides put a newer backup back, or agree to resynchronise (kouan channel)."
    )
    words: ClassVar = {"peer": side_name}


class ChannelHalted(KouanError):
    """The channel is halted, since an operator wants to resynchronise it."""

    code = "channel-halted"
    status = 503
    message = _("The channel with %(peer)s is halted until operators of both sides have resynchronised it.")
    words: ClassVar = {"peer": side_name}


@dataclass(frozen=True, slots=True)
class Loss:
    """What a node has forgotten, as its peer proves it; numbers of messages and sizes of its ledger."""

    sent_here: int = 0
    """The number of the last message that this node knows to have sent."""
    sent_there: int = 0
    """The number of the last message that the peer holds of it."""
    taken_here: int = 0
    taken_there: int = 0
    ledger_here: int = 0
    ledger_there: int = 0
    epoch_apart: bool = False
    """Whether the peer co-signs another of this node's ledgers than the present one."""
    until: str = ""
    """The time of the last entry in this node's ledger, ISO 8601: what is missing came after it."""
    proved_by: str = ""
    """The side that proved it, if it is another than the channel's own."""


def halted(peer: str) -> str:
    """Return why the channel with ``peer`` is halted; nothing while it is open."""
    return Channel.objects.filter(peer=peer).values_list("cause", flat=True).first() or ""


def require_open(peer: str) -> None:
    """Raise ``RestoredFromBackup`` or ``ChannelHalted`` unless messages may go and come."""
    cause = halted(peer)
    if cause:
        raise (RestoredFromBackup if cause in RESTORED_CAUSES else ChannelHalted)(peer=peer)


def we_are_restored() -> bool:
    """Whether this node knows that it has forgotten something: then its ledger must not be signed."""
    return Channel.objects.filter(cause=Channel.Cause.RESTORED).exists()


def channel(peer: str, *, lock: bool = False) -> Channel:
    """Return the channel's row, made if need be."""
    Channel.objects.get_or_create(peer=peer)
    rows = Channel.objects.select_for_update() if lock else Channel.objects
    return rows.get(peer=peer)


def halt(peer: str, cause: Channel.Cause, *, loss: Loss | None = None, evidence: bytes = b"") -> bool:
    """Halt the channel durably; return whether that is news. A graver cause replaces another."""
    with transaction.atomic():
        lock_stream(peer)  # what is being sealed or accepted ends first
        row = channel(peer, lock=True)
        if row.cause and (row.ours or cause != Channel.Cause.RESTORED or row.cause == cause):
            return False
        if not row.cause:
            row.since = timezone.now()
            row.ours, row.theirs, row.delivered = b"", b"", False
        row.cause, row.detail, row.evidence = cause.value, asdict(loss or Loss()), evidence
        row.save()
        return True


def release(peer: str) -> None:
    """Open a channel that was halted for the peer's sake alone, since the peer is well again."""
    Channel.objects.filter(
        peer=peer, cause__in=[Channel.Cause.PEER_RESTORED, Channel.Cause.PEER_ASKED], ours=b""
    ).update(cause="", since=None, theirs=b"")


def loss_of(detail: Mapping[str, object]) -> Loss:
    """Return a row's detail as a value."""
    return Loss(**detail) if detail else Loss()  # type: ignore[arg-type]


_greeted: dict[str, float] = {}


def greeted(peer: str, *, within: float = float("inf")) -> bool:
    """Whether this process has heard from the peer that nothing is forgotten, since it last had a doubt."""
    return time.monotonic() - _greeted.get(peer, float("-inf")) < within


def may_go(peer: str) -> bool:
    """Whether this worker may send to the peer: it was greeted, and there was no doubt and no halt since."""
    return peer in _greeted


def note_greeting(peer: str) -> None:
    """Note that the peer holds nothing that this node has forgotten; what waited for that may go now."""
    if not may_go(peer):
        wake.ring(wake.OUTBOX)
    _greeted[peer] = time.monotonic()


def doubt(peer: str) -> None:
    """Send nothing to the peer until it was greeted again."""
    _greeted.pop(peer, None)
