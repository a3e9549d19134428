"""What the operator's pages say of the ledgers: ours, who co-signed it, and those that we witness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.core.exchange.epochs import current_epoch, epoch_origin
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.models import Entry, SignedCheckpoint
from kouan.core.ledger.notes import VerifierKey, witness_name
from kouan.core.trust.queries import members, own

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.core.ledger.queries import CheckpointRecord, EquivocationRecord, WitnessedRecord

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
    found = list(rows.prefetch_related("cosignatures")[: PAGE + 1])
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
            )
            for row in found[:PAGE]
        ),
        older=found[PAGE - 1].size if len(found) > PAGE else None,
        witnessed=tuple(ledger.witnessed_logs()),
        equivocations=tuple(ledger.equivocations()),
        keys=_verifier_keys(),
    )


def _verifier_keys() -> tuple[str, ...]:
    """Return the keys of our log and of every member's witness, as verifiers of notes take them."""
    ours = own().public
    keys = [
        VerifierKey.for_log(epoch_origin(ours.log_origin, number), ours.log_key)
        for number in range(1, current_epoch() + 1)
    ]
    keys += [VerifierKey.for_witness(member.witness_name, member.witness_key) for member in members()]
    return tuple(str(key) for key in keys)
