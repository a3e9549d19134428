"""What the operator's pages read: the lines, what waits, what failed, today's figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import Count, F, Model, Sum

from kouan.apps.operations.alarms import Alarm, AlarmKind
from kouan.apps.operations.domain import DEAD_IN, DEAD_OUT, STATES_OF, Direction, State, Tally, tally
from kouan.apps.operations.health import Finding, LineFacts, NodeFacts, assess
from kouan.apps.operations.ledger_view import Witnessing, unsigned_since, witnessing
from kouan.apps.operations.listing import CrossingRow, kept_until, rows_of
from kouan.apps.operations.models import AlarmRow
from kouan.core.exchange.models import Batch, InboxMessage, Incident, OutboxMessage, Stream
from kouan.core.exchange.recovery.words import HaltView, halted_channels
from kouan.core.ledger import queries as ledger
from kouan.core.sides import get_side
from kouan.core.trust.models import Member

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from kouan.core.ledger.queries import CheckpointRecord

DEAD_MOST: Final = 1000
"""Beyond so many dead letters the exact number no longer matters."""
WAITING_MOST: Final = 50
IN_DOUBT_MOST: Final = 5
INCIDENTS_MOST: Final = 100
ALARMS_MOST: Final = 100
_WAITING: Final = OutboxMessage.State.WAITING


@dataclass(frozen=True, slots=True)
class BatchInDoubt:
    """A batch that was posted and not answered yet: it may or may not have arrived."""

    first: int
    count: int
    wire_bytes: int
    sealed_at: datetime
    tries: int
    rows: tuple[CrossingRow, ...]
    """Its first messages, ``IN_DOUBT_MOST`` at most; a batch of notices alone has none."""


@dataclass(frozen=True, slots=True)
class SealedAhead:
    """What is sealed already and is posted when the batches before it are answered."""

    batches: int
    messages: int


@dataclass(frozen=True, slots=True)
class Line:
    """The line to one peer, as far as this side knows."""

    peer: str
    last_contact_at: datetime | None
    last_error: str
    last_error_at: datetime | None
    witness_error: str
    waiting: int
    oldest_waiting_at: datetime | None
    in_doubt: BatchInDoubt | None
    ahead: SealedAhead
    witnessing: Witnessing


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """Something a peer should never do."""

    number: int
    peer: str
    kind: str
    detail: str
    at: datetime
    settled_at: datetime | None
    settled_by: str
    remark: str


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """An alarm with when it was raised, and when it was cleared if it is over."""

    alarm: Alarm
    raised_at: datetime
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The node at a glance."""

    findings: tuple[Finding, ...]
    lines: tuple[Line, ...]
    tallies: tuple[Tally, ...]
    day_began: datetime
    ledger_size: int
    checkpoint: CheckpointRecord | None
    refused: dict[Direction, int]
    """How many messages were refused today, counted up to ``DEAD_MOST`` in each direction."""
    dead_letters: int
    incidents: tuple[IncidentRow, ...]
    alarms: tuple[AlarmRecord, ...]


@dataclass(frozen=True, slots=True)
class Unhandled:
    """A peer's message that our handler has not finished with."""

    row: CrossingRow
    attempts: int
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one peer; ``rows`` are the oldest."""

    line: Line
    rows: tuple[CrossingRow, ...]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that failed and that nobody has dealt with yet."""

    row: CrossingRow

    @property
    def can_cancel(self) -> bool:
        """Whether it may be put away: a message of ours."""
        return self.row.direction is Direction.OUT

    @property
    def can_retry(self) -> bool:
        """Whether there is still something to try again."""
        return self.row.size != 0

    @property
    def kept_until(self) -> datetime | None:
        """Until when a peer's waits at most: then it is refused, and what it said erased."""
        return kept_until(self.row)


def overview(now: datetime) -> Overview:
    """Return the node at a glance."""
    all_lines = lines()
    incidents = recent_incidents()
    dead = dead_letter_count()
    began = day_began(now)
    halts = {view.peer: view for view in halted_channels()}
    facts = NodeFacts(
        lines=tuple(_facts(line, halts) for line in all_lines),
        dead_letters=dead,
        recent_incidents=Incident.objects.filter(settled_at__isnull=True).count(),
        equivocations=len(ledger.equivocations(limit=DEAD_MOST)),
        unsigned_since=unsigned_since(),
        unhandled_since=_unhandled_since(),
    )
    return Overview(
        findings=assess(facts, now),
        lines=all_lines,
        tallies=tallies(since=began),
        day_began=began,
        ledger_size=ledger.size(),
        checkpoint=ledger.latest_checkpoint(),
        refused=refused_since(began),
        dead_letters=dead,
        incidents=incidents,
        alarms=open_alarms(),
    )


def lines() -> tuple[Line, ...]:
    """Return the line to every member and to every side with which anything was ever exchanged."""
    streams = {stream.peer: stream for stream in Stream.objects.all()}
    members = Member.objects.values_list("side", flat=True)
    return tuple(_line(peer, streams.get(peer)) for peer in sorted({*streams, *members}))


def waiting() -> tuple[Waiting, ...]:
    """Return what waits for each peer, the oldest messages first."""
    return tuple(
        Waiting(
            line,
            tuple(
                rows_of(
                    Direction.OUT,
                    OutboxMessage.objects.filter(peer=line.peer, state=_WAITING).order_by("pk"),
                    WAITING_MOST,
                )
            ),
        )
        for line in lines()
    )


def unhandled() -> tuple[Unhandled, ...]:
    """Return the oldest messages of peers that wait for their handler here."""
    found = InboxMessage.objects.filter(state=InboxMessage.State.WAITING).order_by("pk")
    more = {
        pk: (attempts, at)
        for pk, attempts, at in found.values_list("pk", "attempts", "next_attempt_at")[:WAITING_MOST]
    }
    rows = rows_of(Direction.IN, InboxMessage.objects.filter(pk__in=list(more)).order_by("pk"), WAITING_MOST)
    return tuple(Unhandled(row, *more[row.number]) for row in rows)


def dead_letters() -> tuple[DeadLetter, ...]:
    """Return what failed and was not dealt with, the newest first, at most ``DEAD_MOST``."""
    outbound = rows_of(Direction.OUT, _dead_out().order_by("-pk"), DEAD_MOST)
    inbound = rows_of(Direction.IN, _dead_in().order_by("-pk"), DEAD_MOST)
    letters = [DeadLetter(row) for row in (*outbound, *inbound)]
    return tuple(
        sorted(letters, key=lambda letter: letter.row.finished_at or letter.row.at, reverse=True)[:DEAD_MOST]
    )


def dead_letter_count() -> int:
    """Return how many dead letters there are, counted up to ``DEAD_MOST``."""
    return min(DEAD_MOST, sum(len(rows.values("pk")[:DEAD_MOST]) for rows in (_dead_out(), _dead_in())))


def recent_incidents() -> tuple[IncidentRow, ...]:
    """Return the newest incidents, those that nobody has acknowledged first."""
    rows = Incident.objects.defer("evidence", "counterpart").order_by(
        F("settled_at").asc(nulls_first=True), "-pk"
    )[:INCIDENTS_MOST]
    return tuple(
        IncidentRow(
            row.pk,
            row.peer,
            row.kind,
            row.detail,
            row.at,
            row.settled_at,
            row.settled_by,
            row.remark,
        )
        for row in rows
    )


def open_alarms() -> tuple[AlarmRecord, ...]:
    """Return the alarms that are raised, the gravest first."""
    rows = [_alarm(row) for row in AlarmRow.objects.filter(cleared_at__isnull=True).order_by("raised_at")]
    gravity = list(AlarmKind)
    return tuple(sorted(rows, key=lambda row: gravity.index(row.alarm.kind)))


def past_alarms() -> tuple[AlarmRecord, ...]:
    """Return the alarms that are over, the newest first, at most ``ALARMS_MOST``."""
    rows = AlarmRow.objects.filter(cleared_at__isnull=False).order_by("-pk")[:ALARMS_MOST]
    return tuple(_alarm(row) for row in rows)


def _alarm(row: AlarmRow) -> AlarmRecord:
    alarm = Alarm(AlarmKind(row.kind), row.about, row.value, row.limit)
    return AlarmRecord(alarm, row.raised_at, row.cleared_at)


def tallies(*, since: datetime) -> tuple[Tally, ...]:
    """Return how many messages were made here and arrived here from ``since`` on, by how they stand."""
    return tuple(
        tally(direction, _counts(direction, model, column, since))
        for direction, model, column in (
            (Direction.OUT, OutboxMessage, "created_at"),
            (Direction.IN, InboxMessage, "received_at"),
        )
    )


def refused_since(since: datetime) -> dict[Direction, int]:
    """Return how many messages of each direction were refused from ``since`` on, up to ``DEAD_MOST``."""
    refused = {"state": State.REFUSED.value, "finished_at__gte": since}
    return {
        direction: len(model.objects.filter(**refused).order_by().values("pk")[:DEAD_MOST])
        for direction, model in ((Direction.OUT, OutboxMessage), (Direction.IN, InboxMessage))
    }


def day_began(now: datetime) -> datetime:
    """Return midnight of this side's day."""
    return now.astimezone(get_side(settings.NODE.side).zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    )


def _counts(direction: Direction, model: type[Model], column: str, since: datetime) -> dict[str, int]:
    first = _first_since(model, column, since)
    if first is None:
        return {}
    rows = model._default_manager.order_by()  # noqa: SLF001 - Django's public name for it
    # By state first: then the index on (state, id) answers alone.
    states = [state.value for state in STATES_OF[direction]]
    found = rows.filter(state__in=states, pk__gte=first).values_list("state").annotate(Count("pk"))
    return dict(found)


def _first_since(model: type[Model], column: str, since: datetime) -> int | None:
    """Return the lowest key whose ``column`` is not before ``since``; ``None`` if there is none.

    Keys grow with time, so halving the range finds it in about twenty reads by key, where no index
    on the time is worth its cost to every message.
    """
    rows: Any = model._default_manager.order_by()  # noqa: SLF001 - Django's public name for it
    newest = rows.order_by("-pk").values_list("pk", column).first()
    if newest is None or newest[1] < since:
        return None
    low, high = 0, newest[0]
    while low < high:
        middle = (low + high) // 2
        pk, at = rows.filter(pk__gte=middle).order_by("pk").values_list("pk", column).first()
        if at >= since:
            high = middle
        else:
            low = pk + 1
    return int(low)


def _line(peer: str, stream: Stream | None) -> Line:
    rows = OutboxMessage.objects.filter(peer=peer, state=_WAITING)
    batches = Batch.objects.filter(peer=peer, receipt__isnull=True)
    batch = batches.order_by("pk").defer("wire", "leaves", "statement").first()
    return Line(
        peer=peer,
        last_contact_at=stream.last_contact_at if stream else None,
        last_error=stream.last_error if stream else "",
        last_error_at=stream.last_error_at if stream else None,
        witness_error=stream.witness_error if stream else "",
        waiting=rows.count(),
        oldest_waiting_at=rows.order_by("pk").values_list("created_at", flat=True).first(),
        in_doubt=None if batch is None else _in_doubt(batch),
        ahead=SealedAhead(0, 0) if batch is None else _ahead(batches.filter(pk__gt=batch.pk)),
        witnessing=witnessing(peer),
    )


def _in_doubt(batch: Batch) -> BatchInDoubt:
    rows = OutboxMessage.objects.filter(batch=batch).order_by("position")
    return BatchInDoubt(
        first=batch.first,
        count=batch.count,
        wire_bytes=batch.wire_bytes,
        sealed_at=batch.sealed_at,
        tries=batch.attempts,
        rows=tuple(rows_of(Direction.OUT, rows, IN_DOUBT_MOST)),
    )


def _ahead(later: QuerySet[Batch]) -> SealedAhead:
    found = later.aggregate(batches=Count("pk"), messages=Sum("count"))
    return SealedAhead(found["batches"], found["messages"] or 0)


def _facts(line: Line, halts: Mapping[str, HaltView]) -> LineFacts:
    halt = halts.get(line.peer)
    return LineFacts(
        peer=line.peer,
        last_contact_at=line.last_contact_at,
        failing=bool(line.last_error),
        failed_at=line.last_error_at,
        waiting=line.waiting,
        oldest_waiting_at=line.oldest_waiting_at,
        in_doubt_since=line.in_doubt.sealed_at if line.in_doubt else None,
        in_doubt_tries=line.in_doubt.tries if line.in_doubt else 0,
        unwitnessed_since=line.witnessing.behind_since,
        halted=halt is not None,
        halted_since=None if halt is None else halt.since,
    )


def _unhandled_since() -> datetime | None:
    rows = InboxMessage.objects.filter(state=InboxMessage.State.WAITING).order_by("pk")
    return rows.values_list("received_at", flat=True).first()


def _dead_out() -> Any:
    return OutboxMessage.objects.filter(state__in=_values(DEAD_OUT), dismissed=False)


def _dead_in() -> Any:
    return InboxMessage.objects.filter(state__in=_values(DEAD_IN))


def _values(states: Sequence[State]) -> list[str]:
    return [state.value for state in states]
