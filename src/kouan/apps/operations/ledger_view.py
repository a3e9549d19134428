"""What the operator's pages say of the ledgers: ours, who co-signed it, and those that we witness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.core.exchange.epochs import current_epoch, epoch_origin
from kouan.core.exchange.models import Stream
from kouan.core.exchange.reported import log_keys, witness_keys
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.models import Entry, Helper, SignedCheckpoint
from kouan.core.ledger.notes import witness_name
from kouan.core.trust.queries import members, own

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.core.ledger.queries import CheckpointRecord, EquivocationRecord, StampRecord, WitnessedRecord

PAGE: Final = 25


@dataclass(frozen=True, slots=True)
class Witnessing:
    """How far one peer has co-signed our ledger."""

    size: int
    """Of the newest checkpoint that it has co-signed; 0 for none."""
    at: datetime | None
    """When it was published."""
    behind: int
    """How many entries of our newest checkpoint it has not co-signed."""
    behind_since: datetime | None
    """When the oldest checkpoint was published that it has not co-signed."""


@dataclass(frozen=True, slots=True)
class CheckpointLine:
    """A checkpoint in the list: its size, root, and who co-signed it when."""

    size: int
    root: bytes
    published_at: datetime
    cosignatures: tuple[tuple[str, datetime], ...]
    stamped_at: datetime | None
    """The time that a time-stamping authority signed, if it was asked."""


@dataclass(frozen=True, slots=True)
class WitnessLine:
    """A witness of our ledger: a peer, or one beside the peers."""

    name: str
    beside: bool
    """Whether it is none of the peers."""
    size: int
    behind: int
    problem: str


@dataclass(frozen=True, slots=True)
class Stamping:
    """How it goes with the time-stamps."""

    address: str
    every_s: int
    newest: StampRecord | None
    problem: str


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Everything that the ledger's page shows."""

    size: int
    newest: CheckpointRecord | None
    cosigned: CheckpointRecord | None
    checkpoints: tuple[CheckpointLine, ...]
    older: int | None
    """Where the list goes on, if it does."""
    witnessed: tuple[WitnessedRecord, ...]
    equivocations: tuple[EquivocationRecord, ...]
    quorum: int
    final: int | None
    """The size of the newest checkpoint that enough witnesses have co-signed."""
    witnesses: tuple[WitnessLine, ...]
    stamping: Stamping | None
    """None when no authority is configured."""
    keys: tuple[str, ...]
    """The verifier keys (C2SP signed-note) with which anybody can check the notes."""


def witnessing(peer: str) -> Witnessing:
    """Return how far ``peer`` has co-signed our ledger."""
    size = ledger.cosigned_size(witness_name(peer))
    rows = SignedCheckpoint.objects.order_by("size")
    waiting = rows.filter(size__gt=size)
    newest = waiting.order_by("-size").values_list("size", flat=True).first()
    return Witnessing(
        size=size,
        at=rows.filter(size=size).values_list("published_at", flat=True).first() if size else None,
        behind=0 if newest is None else newest - size,
        behind_since=waiting.values_list("published_at", flat=True).first(),
    )


def unsigned_since() -> datetime | None:
    """Return when the oldest entry was made that no checkpoint covers, if there is one."""
    size = SignedCheckpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    return Entry.objects.filter(pk=size).values_list("at", flat=True).first()


def ledger_page(*, before: int | None = None) -> LedgerPage:
    """Return the ledger's page, with the checkpoints below size ``before`` if given."""
    rows = SignedCheckpoint.objects.order_by("-size")
    if before is not None:
        rows = rows.filter(size__lt=before)
    found = list(rows.select_related("stamp").prefetch_related("cosignatures")[: PAGE + 1])
    quorum = settings.NODE.quorum
    final = ledger.newest_final(quorum=quorum)
    return LedgerPage(
        size=ledger.size(),
        newest=ledger.latest_checkpoint(),
        cosigned=ledger.latest_cosigned(),
        checkpoints=tuple(
            CheckpointLine(
                row.size,
                bytes(row.root),
                row.published_at,
                tuple((each.witness, each.at) for each in row.cosignatures.all()),
                row.stamp.at if hasattr(row, "stamp") else None,
            )
            for row in found[:PAGE]
        ),
        older=found[PAGE - 1].size if len(found) > PAGE else None,
        witnessed=tuple(ledger.witnessed_logs()),
        equivocations=tuple(ledger.equivocations()),
        quorum=quorum,
        final=None if final is None else final.size,
        witnesses=_witnesses(),
        stamping=_stamping(),
        keys=_verifier_keys(),
    )


def _witnesses() -> tuple[WitnessLine, ...]:
    newest = SignedCheckpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    peers = dict(Stream.objects.values_list("peer", "witness_error"))
    lines = [(member.witness_name, False, peers.get(member.side, "")) for member in members()]
    problems = dict(Helper.objects.values_list("name", "problem"))
    lines += [(each.name, True, problems.get(each.name, "")) for each in settings.NODE.witnesses]
    return tuple(
        WitnessLine(name, beside, size, newest - size, problem)
        for name, beside, problem in lines
        for size in (ledger.cosigned_size(name),)
    )


def _stamping() -> Stamping | None:
    wanted = settings.NODE.time
    if wanted is None:
        return None
    problem = Helper.objects.filter(name="time-stamp").values_list("problem", flat=True).first() or ""
    return Stamping(wanted.tsa, wanted.every_s, ledger.newest_stamp(), problem)


def _verifier_keys() -> tuple[str, ...]:
    """Return the keys of our log and of every member's witness, as verifiers of notes take them."""
    ours = own().public
    keys = [
        key
        for number in range(1, current_epoch() + 1)
        for key in log_keys(ours, origin=epoch_origin(ours.log_origin, number))
    ]
    keys += [key for member in members() for key in witness_keys(member)]
    return (*(str(key) for key in keys), *(each.key for each in settings.NODE.witnesses))
