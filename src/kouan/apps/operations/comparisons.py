"""What the operator's pages say of the comparisons with the peers, and beginning one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from kouan.apps.operations.errors import BadDay, NoSuchComparison
from kouan.core.exchange.models import InboxMessage, OutboxMessage, Reconciliation
from kouan.core.exchange.reconciling import begin
from kouan.core.policy.decide import TERM_ZONE
from kouan.core.trust.queries import get_member, members

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

PAGE: Final = 30


@dataclass(frozen=True, slots=True)
class ComparedStream:
    """What a comparison says of one side's messages."""

    sender: str
    count: int
    first: int | None
    """The numbers compared; None when there was no message."""
    last: int | None


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """One message on which the records differ."""

    stream: str
    number: int
    message_id: UUID
    what: str
    here: bool
    """Whether this node has the message on record, so that its page can be shown."""


@dataclass(frozen=True, slots=True)
class ComparisonLine:
    """One comparison."""

    run: UUID
    peer: str
    day: date
    state: str
    sentence_of: Reconciliation
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    streams: tuple[ComparedStream, ...]
    found: int
    unnamed: int
    differences: tuple[DifferenceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparisonsPage:
    """The list, and what a new comparison may be about."""

    rows: tuple[ComparisonLine, ...]
    older: int | None
    peers: tuple[str, ...]
    yesterday: date
    today: date


def comparisons_page(before: str) -> ComparisonsPage:
    """Return the newest comparisons, those below the key ``before`` if it is one."""
    rows = Reconciliation.objects.order_by("-pk")
    if re.fullmatch(r"\d{1,18}", before, re.ASCII):
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: PAGE + 1])
    today = timezone.now().astimezone(TERM_ZONE).date()
    return ComparisonsPage(
        rows=tuple(_line(row) for row in found[:PAGE]),
        older=found[PAGE - 1].pk if len(found) > PAGE else None,
        peers=tuple(member.side for member in members()),
        yesterday=today - timedelta(days=1),
        today=today,
    )


def comparison_detail(run: UUID) -> ComparisonLine:
    """Return one comparison with every message on which the records differ; raises ``NoSuchComparison``."""
    row = Reconciliation.objects.filter(run=run).first()
    if row is None:
        raise NoSuchComparison
    return _line(row, detailed=True)


def begin_comparison(*, peer: str, day: str) -> tuple[str, ...]:
    """Begin to compare a day with a peer, or with each one; raises ``BadDay`` or ``UnknownMember``."""
    try:
        which = date.fromisoformat(day)
    except ValueError:
        raise BadDay from None
    if which > timezone.now().astimezone(TERM_ZONE).date():
        raise BadDay
    peers = (get_member(peer[:16]).side,) if peer else tuple(member.side for member in members())
    for each in peers:
        begin(each, which)
    return peers


def _line(row: Reconciliation, *, detailed: bool = False) -> ComparisonLine:
    differences = row.differences.order_by("stream", "number", "message_id") if detailed else ()
    ids = [each.message_id for each in differences]
    known: set[Any] = set()
    if ids:
        known = {
            *OutboxMessage.objects.filter(message_id__in=ids).values_list("message_id", flat=True),
            *InboxMessage.objects.filter(peer=row.peer, message_id__in=ids).values_list(
                "message_id", flat=True
            ),
        }
    return ComparisonLine(
        run=row.run,
        peer=row.peer,
        day=row.day,
        state=row.state,
        sentence_of=row,
        started_by=row.started_by,
        started_at=row.started_at,
        finished_at=row.finished_at,
        streams=tuple(
            ComparedStream(
                side,
                stream["count"],
                stream["first"] if stream["last"] >= stream["first"] else None,
                stream["last"] if stream["last"] >= stream["first"] else None,
            )
            for side, stream in sorted(row.streams.items())
        ),
        found=row.differences.count(),
        unnamed=row.unnamed,
        differences=tuple(
            DifferenceLine(each.stream, each.number, each.message_id, each.what, each.message_id in known)
            for each in differences
        ),
    )
