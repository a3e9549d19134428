"""Comparing what each side sent and received: beginning, answering, ending. The worker's chore."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.core import cbor
from kouan.core.database.locks import take_turn
from kouan.core.errors import KouanError
from kouan.core.exchange import holdings, outbox
from kouan.core.exchange.ids import new_id
from kouan.core.exchange.models import (
    Batch,
    Difference,
    Incident,
    ReceivedBatch,
    Reconciliation,
    ReconciliationStep,
)
from kouan.core.exchange.reconciliation import (
    LISTED,
    LISTINGS,
    MOST_FOUND,
    MOST_ITEMS,
    PARTS,
    RECONCILIATION,
    Comparison,
    Found,
    Item,
    Listing,
    Settled,
    Span,
)
from kouan.core.ledger import services as ledger
from kouan.core.policy.decide import TERM_ZONE
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger(__name__)

State = Reconciliation.State
_What = Literal["not-received", "not-sent", "other-content", "other-outcome"]

LOOK_EVERY: Final = 1.0
CLOSED_AFTER: Final = timedelta(minutes=10)
"""How long after midnight a day is compared: by then every notice of its last messages is here."""
_OTHERS_TURN: Final = timedelta(hours=1)
"""How much later the side begins whose code comes later, if the other has not: one comparison is enough."""
_DAYS_BACK: Final = 3
_GIVEN_UP_AFTER: Final = timedelta(days=2)


def work() -> bool:
    """Look at one step that waits, or begin what is due; return whether more may be waiting."""
    step = ReconciliationStep.objects.select_related("reconciliation").order_by("pk").first()
    if step is not None:
        answer(step)
        return True
    now = timezone.now()
    Reconciliation.objects.filter(state=State.UNDER_WAY, started_at__lt=now - _GIVEN_UP_AFTER).update(
        state=State.FAILED, code="no-answer", finished_at=now
    )
    for peer, day in due(now):
        begin_once(peer, day)
    return False


def due(now: datetime) -> list[tuple[str, date]]:
    """Return the closed days that have not been compared, with each peer, oldest first."""
    found = []
    for peer in (member.side for member in members()):
        wait = CLOSED_AFTER + (_OTHERS_TURN if peer < settings.NODE.side else timedelta())
        last_closed = (now.astimezone(TERM_ZONE) - wait).date() - timedelta(days=1)
        began = _first_day(peer)
        if began is None:
            continue
        days = [last_closed - timedelta(days=back) for back in range(_DAYS_BACK - 1, -1, -1)]
        done = set(Reconciliation.objects.filter(peer=peer, day__in=days).values_list("day", flat=True))
        found += [(peer, day) for day in days if day >= began and day not in done]
    return found


def _first_day(peer: str) -> date | None:
    """Return the day of the first batch in either direction."""
    sent = Batch.objects.filter(peer=peer).order_by("pk").values_list("sealed_at", flat=True).first()
    rows = ReceivedBatch.objects.filter(peer=peer).order_by("pk")
    times = [each for each in (sent, rows.values_list("received_at", flat=True).first()) if each is not None]
    return min(times).astimezone(TERM_ZONE).date() if times else None


def begin(peer: str, day: date) -> Reconciliation:
    """Begin to compare a day with a peer; one that may not cross is kept as failed, with the reason."""
    return _begun(peer, day, _own_span(peer, day))


def begin_once(peer: str, day: date) -> None:
    """Begin to compare a day, unless another worker has begun since it was seen to be due."""
    span = _own_span(peer, day)  # reading may take long, so it comes before the transaction
    with transaction.atomic():
        take_turn(f"compare {peer}")
        if not Reconciliation.objects.filter(peer=peer, day=day).exists():
            _begun(peer, day, span)


def _begun(peer: str, day: date, span: Span) -> Reconciliation:
    run = new_id()
    row = Reconciliation(
        run=run, peer=peer, day=day, started_by=settings.NODE.side, started_at=timezone.now()
    )
    try:
        with transaction.atomic():
            _note_stream(row, span)
            row.save()
            _send(row, _Reply(spans=[span]))
    except KouanError as error:
        row.pk, row.state, row.code, row.finished_at = None, State.FAILED, error.code, timezone.now()
        row.save(force_insert=True)
        log.warning("the records of %s cannot be compared with %s: %s", day, peer, error)
    return row


def _own_span(peer: str, day: date) -> Span:
    side = settings.NODE.side
    first, last = holdings.numbers_of(day, peer)
    found = holdings.total(side, peer, first, last)
    return Span(stream=side, first=first, last=last, count=found.count, digest=found.digest)


@dataclass(slots=True)
class _Reply:
    """What we have to say to a step."""

    spans: list[Span] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)

    def settle(self, part: Span | Listing, *, unnamed: bool = False) -> None:
        self.settled.append(Settled(stream=part.stream, first=part.first, last=part.last, unnamed=unnamed))


def answer(step: ReconciliationStep) -> None:
    """Compare a step with what we hold, note what it settles, and answer what it leaves open."""
    row = step.reconciliation
    said = RECONCILIATION.decode_bytes(bytes(step.payload))
    # Reading may take long, so it comes before the transaction.
    reply = _compare(row, said)
    if step.opening:
        reply.spans.append(_own_span(row.peer, row.day))
    with transaction.atomic():
        row = Reconciliation.objects.select_for_update().get(pk=row.pk)
        if not ReconciliationStep.objects.filter(pk=step.pk).delete()[0] or row.state != State.UNDER_WAY:
            return
        for span in [*said.spans, *(reply.spans if step.opening else [])]:
            _note_stream(row, span)
        for part in [*said.settled, *reply.settled]:
            _note_settled(row, part)
        _note_found(row, [*said.found, *reply.found])
        if _done(row):
            _finish(row)
        row.save()
        if reply.spans or reply.listings or reply.settled or reply.found:
            _send(row, reply)


def _compare(row: Reconciliation, said: Comparison) -> _Reply:
    reply = _Reply()
    cut = 0
    for span in said.spans:
        if span.stream not in {row.peer, settings.NODE.side}:
            continue
        ours = holdings.total(span.stream, row.peer, span.first, span.last)
        if (ours.count, ours.digest) == (span.count, span.digest):
            reply.settle(span)
        elif _width(span) <= LISTED and len(reply.listings) < LISTINGS:
            reply.listings.append(_listing(span, row.peer))
        elif _width(span) > LISTED and cut < PARTS:
            cut += 1
            reply.spans += _parts(span, row.peer)
        else:
            # Records that differ all over are not a matter of single messages any more.
            reply.settle(span, unnamed=True)
    for listing in said.listings:
        if listing.stream in {row.peer, settings.NODE.side}:
            found = _differences(listing, row.peer)
            reply.found += found[: MOST_FOUND - len(reply.found)]
            reply.settle(listing)
    return reply


def _parts(span: Span, peer: str) -> list[Span]:
    size = -(-_width(span) // PARTS)
    parts = []
    for first in range(span.first, span.last + 1, size):
        last = min(first + size - 1, span.last)
        ours = holdings.total(span.stream, peer, first, last)
        parts.append(Span(stream=span.stream, first=first, last=last, count=ours.count, digest=ours.digest))
    return parts


def _listing(span: Span, peer: str) -> Listing:
    items = [
        Item(number=each.number, id=each.id, sealed=each.sealed.ljust(32, b"\0")[:32], outcome=each.outcome)
        for each in holdings.held(span.stream, peer, span.first, span.last)
    ]
    return Listing(stream=span.stream, first=span.first, last=span.last, items=items[:MOST_ITEMS])


def _differences(listing: Listing, peer: str) -> list[Found]:
    """Return how a peer's list differs from what we hold."""
    stream = listing.stream
    theirs = {(each.number, each.id): each for each in listing.items}
    ours = {(each.number, each.id): each for each in holdings.held(stream, peer, listing.first, listing.last)}
    we_send = stream == settings.NODE.side
    found = []
    for number, key in sorted(theirs.keys() | ours.keys()):
        mine, other = ours.get((number, key)), theirs.get((number, key))
        if mine is None or other is None:
            what: _What = "not-received" if (other is None) == we_send else "not-sent"
        elif mine.sealed != other.sealed:
            what = "other-content"
        elif mine.outcome != other.outcome:
            what = "other-outcome"
        else:
            continue
        found.append(Found(stream=stream, number=number, id=key, what=what))
    return found


def _width(part: Span | Settled) -> int:
    return max(0, part.last - part.first + 1)


def _note_stream(row: Reconciliation, span: Span) -> None:
    """Note a stream by the first range of it that is named, which is the whole of it."""
    row.streams.setdefault(
        span.stream, {"first": span.first, "last": span.last, "count": span.count, "settled": 0}
    )


def _note_settled(row: Reconciliation, part: Settled) -> None:
    stream: dict[str, Any] | None = row.streams.get(part.stream)
    if stream is not None:
        stream["settled"] += _width(part)
        if part.unnamed:
            row.unnamed += _width(part)


def _note_found(row: Reconciliation, found: Iterable[Found]) -> None:
    left = MOST_FOUND - row.differences.count()
    Difference.objects.bulk_create(
        [
            Difference(
                reconciliation=row,
                stream=each.stream,
                number=each.number,
                message_id=uuid.UUID(bytes=each.id),
                what=each.what,
            )
            for each in list(found)[: max(0, left)]
        ],
        ignore_conflicts=True,
    )


def _done(row: Reconciliation) -> bool:
    return {row.peer, settings.NODE.side} <= row.streams.keys() and all(
        stream["settled"] >= stream["last"] - stream["first"] + 1 for stream in row.streams.values()
    )


def _finish(row: Reconciliation) -> None:
    """Say how it ended: in the row, in the ledger and, where records differ, to the operator."""
    found = row.differences.count()
    row.state = State.DIFFERS if found or row.unnamed else State.AGREES
    row.finished_at = timezone.now()
    record = {
        "run": row.run.bytes,
        "peer": row.peer,
        "day": row.day.isoformat(),
        "state": str(row.state),
        "streams": {
            side: [stream["first"], stream["last"], stream["count"]] for side, stream in row.streams.items()
        },
        "differences": [
            [each.stream, each.number, each.message_id.bytes, each.what]
            for each in row.differences.order_by("stream", "number", "message_id")
        ],
        "unnamed": row.unnamed,
    }
    ledger.append([ledger.Record("reconciled", cbor.encode(record))])
    if row.state == State.DIFFERS:
        Incident.objects.create(
            peer=row.peer,
            kind="records-differ",
            detail=f"{row.day}: {found} messages, {row.unnamed} numbers",
            at=row.finished_at,
        )
        log.warning("the records of %s differ from those of %s on %s messages", row.day, row.peer, found)
    else:
        log.info("the records of %s agree with those of %s", row.day, row.peer)


def _send(row: Reconciliation, reply: _Reply) -> None:
    outbox.send(
        RECONCILIATION,
        to=row.peer,
        conversation=row.run,
        payload=Comparison(
            run=row.run.bytes,
            day=row.day.isoformat(),
            spans=reply.spans,
            listings=reply.listings,
            settled=reply.settled,
            found=reply.found,
        ),
    )
