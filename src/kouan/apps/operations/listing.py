"""Every crossing in one list: what left and what came, by time, page by page.

A page costs the same at a million rows as at ten: two reads from a place on by primary key, merged.
Nothing is counted.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import BigIntegerField, F, Min, Model, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from kouan.apps.operations.domain import (
    SHORTEST_SEARCH,
    STATES_OF,
    Cursor,
    Direction,
    State,
    id_range,
    merge,
)
from kouan.apps.operations.errors import BadCursor, BadSearch
from kouan.core.errors import KouanError
from kouan.core.exchange import setaside
from kouan.core.exchange.crossing import registry
from kouan.core.exchange.models import Batch, InboxMessage, OutboxMessage, Stream

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from uuid import UUID

    from django.utils.functional import _StrOrPromise

PAGE: Final = 50
CSV_MOST: Final = 50_000
"""The most rows of one export; the newest of the selection."""
_CSV_PAGE: Final = 1000
_SEARCH_MOST: Final = 500
LOOK_THROUGH: Final = 100_000
"""How many rows of a direction a page compares at most to find those that fit."""
_COMMON: Final = (State.HANDLED, State.ACCEPTED)
"""The states that most messages are in."""
UNDECLARED: Final = _("Not declared on this node")


@dataclass(frozen=True, slots=True)
class Filters:
    """What part of the list is asked for; empty means all."""

    direction: Direction | None = None
    peer: str = ""
    type: str = ""
    state: State | None = None
    text: str = ""
    """The beginning of a message id or of a conversation id."""


@dataclass(frozen=True, slots=True)
class CrossingRow:
    """One crossing as the list shows it; sizes in bytes, ledger positions counted from 0."""

    direction: Direction
    number: int
    message_id: UUID
    peer: str
    type: str
    version: int
    conversation: UUID
    agreement: str
    clause: str
    state: State
    code: str
    at: datetime
    """When it was made here, or when it arrived."""
    size: int | None
    """Of the opened body; ``None`` for one that was refused unopened."""
    receipt_at: datetime | None
    ledger_index: int | None
    peer_index: int | None
    """Its place in the other side's ledger, where the receipt has told it."""
    finished_at: datetime | None
    ahead: bool = False
    """Whether it is sealed in a batch that waits for the receipt of an earlier one."""

    @property
    def title(self) -> _StrOrPromise:
        """The declaration's title."""
        return declared(self.type, self.version)[0]

    @property
    def purpose(self) -> _StrOrPromise:
        """The declaration's purpose."""
        return declared(self.type, self.version)[1]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, newest first, and where to go on."""

    rows: tuple[CrossingRow, ...]
    older: Cursor | None
    newer: Cursor | None
    partial: bool = False
    """Whether only a part of what is there was looked through; ``older`` or ``newer`` goes on from there."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of one direction, in the order asked for, from a place on."""

    rows: list[CrossingRow]
    reached: int
    """The place up to which everything that fits is in ``rows``."""
    more: bool = False
    """Whether rows lie beyond that were not looked at."""

    def place(self, taken: int, start: int, *, newest_first: bool) -> int:
        """Return where to go on after the first ``taken`` rows."""
        if taken == len(self.rows):
            return self.reached
        if not taken:
            return start
        return self.rows[taken - 1].number - (1 if newest_first else 0)


def declared(type_: str, version: int) -> tuple[_StrOrPromise, _StrOrPromise]:
    """Return the title and the purpose of a declaration, also for a type that is not declared here."""
    try:
        crossing = registry.get(type_, version)
    except KouanError:
        return type_, UNDECLARED
    return crossing.title, crossing.purpose


def page(filters: Filters, *, before: str = "", after: str = "", limit: int = PAGE) -> Page:
    """Return a page: the newest, or what is older than ``before`` or newer than ``after``.

    Both are cursors of an earlier page. Raises ``BadCursor`` or ``BadSearch``.
    """
    newest_first = not after
    start = _cursor(after or before) if after or before else Cursor()
    out = _read(Direction.OUT, filters, start.outbound, limit, newest_first=newest_first)
    came = _read(Direction.IN, filters, start.inbound, limit, newest_first=newest_first)
    rows, one, two = merge(out.rows, came.rows, limit, newest_first=newest_first)
    left = one < len(out.rows) or two < len(came.rows)
    more = left or out.more or came.more
    end = Cursor(
        out.place(one, start.outbound, newest_first=newest_first),
        came.place(two, start.inbound, newest_first=newest_first),
    )
    partial = more and not left
    if newest_first:
        return Page(tuple(rows), end if more else None, start if before else None, partial)
    return Page(tuple(reversed(rows)), start, end if more else None, partial)


def one_row(direction: Direction, number: int) -> CrossingRow:
    """Return one crossing as the list shows it, by its key."""
    return rows_of(direction, _model(direction).objects.filter(pk=number), 1)[0]


def conversation_rows(conversation: UUID, limit: int) -> list[CrossingRow]:
    """Return the messages of a conversation, the oldest first."""
    outbound, inbound = (
        rows_of(direction, _model(direction).objects.filter(conversation=conversation).order_by("pk"), limit)
        for direction in (Direction.OUT, Direction.IN)
    )
    return merge(outbound, inbound, limit, newest_first=False)[0]


def csv_lines(filters: Filters, *, most: int = CSV_MOST) -> Iterator[str]:
    """Yield the newest ``most`` crossings of a selection as CSV (RFC 4180), heading first.

    Raises ``BadSearch`` at the first line. Column names and values are for programs, in English; times
    are UTC.
    """
    yield "\ufeff" + _line(_COLUMNS)  # with the mark, spreadsheets read the file as UTF-8
    before, left = "", most
    while left > 0:
        found = page(filters, before=before, limit=min(_CSV_PAGE, left))
        for row in found.rows:
            yield _line(_values(row))
        left -= len(found.rows)
        if found.older is None:
            return
        before = str(found.older)


def kept_until(row: CrossingRow) -> datetime | None:
    """Return until when a message that was set aside here waits at most; nothing for any other."""
    if row.state is not State.FAILED or row.finished_at is None:
        return None
    return setaside.kept_until(row.type, row.version, row.finished_at)


def peers() -> list[str]:
    """Return the sides with which anything was ever exchanged."""
    return list(Stream.objects.order_by("peer").values_list("peer", flat=True))


def _cursor(text: str) -> Cursor:
    try:
        return Cursor.parse(text)
    except ValueError:
        raise BadCursor from None


def _read(direction: Direction, filters: Filters, start: int, limit: int, *, newest_first: bool) -> _Read:
    """Read from ``start`` on (with it when ``newest_first``, else above it), one row more than ``limit``."""
    if filters.direction not in (None, direction) or filters.state not in (None, *STATES_OF[direction]):
        return _Read([], start)
    model = _model(direction)
    rows: QuerySet[Any] = model.objects.filter(_condition(model, filters))
    if not _is_walked(filters):
        rows = rows.filter(pk__lte=start) if newest_first else rows.filter(pk__gt=start)
        found = rows_of(direction, rows.order_by("-pk" if newest_first else "pk"), limit + 1)
        if newest_first:
            return _Read(found, 0)
        return _Read(found, found[-1].number if found else start)
    newest = model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if newest_first:
        top = min(start, newest)
        floor = max(top - LOOK_THROUGH, 0)
        found = rows_of(direction, rows.filter(pk__gt=floor, pk__lte=top).order_by("-pk"), limit + 1)
        return _Read(found, floor, more=floor > 0)
    ceiling = start + LOOK_THROUGH
    found = rows_of(direction, rows.filter(pk__gt=start, pk__lte=ceiling).order_by("pk"), limit + 1)
    return _Read(found, min(ceiling, max(newest, start)), more=ceiling < newest)


def _model(direction: Direction) -> type[OutboxMessage | InboxMessage]:
    return OutboxMessage if direction is Direction.OUT else InboxMessage


def rows_of(direction: Direction, rows: QuerySet[Any], limit: int) -> list[CrossingRow]:
    """Return the first ``limit`` rows of a query over the direction's table."""
    values = list(rows.values(*_PLAIN, **_COMPUTED[direction])[:limit])
    sealed = {row["peer"] for row in values if row["state"] == State.SEALED}
    first = _first_unreceipted(sealed) if sealed else {}
    found = []
    for row in values:
        state, batch = State(row.pop("state")), row.pop("in_batch")
        ahead = state is State.SEALED and row["peer"] in first and batch > first[row["peer"]]
        found.append(CrossingRow(**row, direction=direction, state=state, ahead=ahead))
    return found


def _first_unreceipted(of: Collection[str]) -> dict[str, int]:
    """Return the key of each peer's first batch without a receipt on record.

    A later one is posted once this one is answered, so for the moment until that answer is on record it
    may be on its way too; the database cannot tell.
    """
    rows = Batch.objects.filter(peer__in=of, receipt__isnull=True).order_by()
    return dict(rows.values_list("peer").annotate(Min("pk")))


def _is_walked(filters: Filters) -> bool:
    """Whether rows are found by walking along the keys, for want of an index in their order.

    Rare states have an index and few rows; ids are looked up first; everything else that narrows the
    list is compared row by row, ``LOOK_THROUGH`` rows a page at most.
    """
    if filters.text or filters.state not in (None, *_COMMON):
        return False
    return bool(filters.peer or filters.type or filters.state)


def _condition(model: type[Model], filters: Filters) -> Q:
    condition = Q()
    for column, value in (("peer", filters.peer), ("type", filters.type), ("state", filters.state)):
        if value and _is_walked(filters):
            # An expression, so that no index tempts the database to collect and sort half the table.
            condition &= Q(Exact(Coalesce(column, Value("")), str(value)))
        elif value:
            condition &= Q(**{column: str(value)})
    if filters.text:
        condition &= Q(pk__in=_found(model, filters.text))
    return condition


def _found(model: type[Model], text: str) -> set[int]:
    """Return the keys of the rows whose message or conversation id begins with ``text``.

    Looked up first and by index alone, so that the order of the page cannot tempt the database into
    reading the whole table.
    """
    bounds = id_range(text)
    if bounds is None:
        raise BadSearch(digits=SHORTEST_SEARCH)
    rows = model._default_manager.order_by()  # noqa: SLF001 - Django's public name for it
    by_id = rows.filter(message_id__range=bounds)
    if model is InboxMessage:
        by_id = by_id.filter(peer__in=peers())  # the index begins with the peer
    by_conversation = rows.filter(conversation__range=bounds)
    return {
        key for found in (by_id, by_conversation) for key in found.values_list("pk", flat=True)[:_SEARCH_MOST]
    }


_PLAIN: Final = (
    "message_id",
    "peer",
    "type",
    "version",
    "conversation",
    "agreement",
    "clause",
    "state",
    "code",
    "ledger_index",
    "size",
    "finished_at",
)
_COMPUTED: Final[dict[Direction, dict[str, Any]]] = {
    Direction.OUT: {
        "number": F("pk"),
        "at": F("created_at"),
        "receipt_at": F("batch__receipted_at"),
        "peer_index": F("peer_ledger_index"),
        "in_batch": F("batch_id"),
    },
    Direction.IN: {
        "number": F("pk"),
        "at": F("received_at"),
        "receipt_at": F("received_at"),
        "peer_index": Value(None, output_field=BigIntegerField()),
        "in_batch": F("batch_id"),
    },
}


_COLUMNS: Final = (
    "direction",
    "at",
    "type",
    "version",
    "peer",
    "state",
    "code",
    "message_id",
    "conversation",
    "agreement",
    "clause",
    "bytes",
    "receipt_at",
    "ledger_index",
    "peer_ledger_index",
    "finished_at",
    "side",
)


def _values(row: CrossingRow) -> tuple[object, ...]:
    return (
        row.direction.value,
        _utc(row.at),
        row.type,
        row.version,
        row.peer,
        row.state.value,
        row.code,
        row.message_id,
        row.conversation,
        row.agreement,
        row.clause,
        row.size,
        _utc(row.receipt_at),
        row.ledger_index,
        row.peer_index,
        _utc(row.finished_at),
        settings.NODE.side,
    )


def _utc(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds")


def _line(values: tuple[object, ...]) -> str:
    """Return one CSV line; a text that a spreadsheet would run as a formula is disarmed."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([_disarmed(value) for value in values])
    return buffer.getvalue()


def _disarmed(value: object) -> object:
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value
