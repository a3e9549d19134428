"""From what is known of the node to what is an alarm, by the thresholds of ``node.toml``.

Pure: no Django, no database, no clock of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kouan.core.watch.concerns import Concern
    from kouan.core.watch.deadlines import Deadline
    from kouan.sections import WatchSettings

RECENT: Final = timedelta(days=7)
"""For how long something that cannot be undone stays an alarm."""
_MB: Final = 1_000_000
_LIST_DAYS: Final = 7
"""So many days before its next update a trust list calls for an officer."""
_DAY: Final = 86_400


class AlarmKind(StrEnum):
    """Everything that calls for a person, the gravest first."""

    LEDGER_SHRANK = "ledger-shrank"
    EQUIVOCATION = "equivocation"
    INCIDENTS = "incidents"
    RECORD_MISSING = "record-missing"
    LOW_DISK = "low-disk"
    PEER_SILENT = "peer-silent"
    UNWITNESSED = "unwitnessed"
    WAITING_LONG = "waiting-long"
    OUTBOX_GROWING = "outbox-growing"
    HANDLING_LATE = "handling-late"
    DEAD_LETTERS = "dead-letters"
    RESULT_UNSOUND = "result-unsound"
    CASES_LATE = "cases-late"
    CASES_UNDATED = "cases-undated"
    ERASURE_LATE = "erasure-late"
    FILING_LATE = "filing-late"
    FILING_DUE = "filing-due"
    CONTRACT_ENDING = "contract-ending"
    TRUST_LIST_LATE = "trust-list-late"
    RENEWAL_LATE = "renewal-late"
    TRUST_LIST_DUE = "trust-list-due"
    KEY_ENDING = "key-ending"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that calls for a person: about what, how much of it, and how much is borne."""

    kind: AlarmKind
    about: str
    """A side's code, a side and a key's use, a contract's number (of a filing with the side before it), a
    request's number with the side that has to answer before it, or nothing where it is about the node
    itself."""
    value: float
    """Seconds, messages, days, MB or entries, as the kind has it."""
    limit: float


@dataclass(frozen=True, slots=True)
class PeerFacts:
    """What is known of one peer and the line to it."""

    peer: str
    known_since: datetime
    """When its trust document was imported: before, nothing could be heard of it."""
    last_contact_at: datetime | None = None
    waiting: int = 0
    oldest_at: datetime | None = None
    """When the oldest message was made whose receipt is not here."""
    unwitnessed_since: datetime | None = None
    """When the oldest checkpoint was published that it has not co-signed."""
    cosigned_at: datetime | None = None
    unrecorded_since: datetime | None = None
    """Since when the oldest record is awaited that it should have sent (see ``kouan.core.watch.missing``)."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """Until when the newest key of one use counts; of our own side or of a peer's."""

    side: str
    use: str
    until: datetime


@dataclass(frozen=True, slots=True)
class WatchFacts:
    """What is known of the whole node at one moment."""

    peers: tuple[PeerFacts, ...] = ()
    keys: tuple[KeyFacts, ...] = ()
    inbox_waiting: int = 0
    unhandled_since: datetime | None = None
    dead_letters: int = 0
    incidents: int = 0
    recent_incidents: int = 0
    equivocations: int = 0
    recent_equivocations: int = 0
    ledger_size: int = 0
    ledger_was: int = 0
    """The largest size that this node knows it had."""
    checkpoint_at: datetime | None = None
    deadlines: tuple[Deadline, ...] = ()
    """Days by which somebody has to have done something (see ``kouan.core.watch.deadlines``)."""
    concerns: tuple[Concern, ...] = ()
    """What apps see that calls for a person (see ``kouan.core.watch.concerns``)."""
    disk_free: int = 1 << 62
    """In bytes, where the node's data is."""


def alarms(facts: WatchFacts, limits: WatchSettings, now: datetime) -> tuple[Alarm, ...]:
    """Return what calls for a person now, the gravest first."""
    found = [*_of_node(facts, limits, now), *_of_keys(facts.keys, limits, now)]
    found += _of_deadlines(facts.deadlines, limits)
    found += [Alarm(AlarmKind(each.kind), each.about, each.count, 0) for each in facts.concerns]
    for peer in facts.peers:
        found += _of_peer(peer, limits, now)
    gravity = list(AlarmKind)
    return tuple(sorted(found, key=lambda alarm: (gravity.index(alarm.kind), alarm.about)))


def seconds_since(at: datetime | None, now: datetime) -> float:
    """Return how long something has been so; 0 if it is not so at all."""
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())


def _of_node(facts: WatchFacts, limits: WatchSettings, now: datetime) -> Iterator[Alarm]:
    if facts.ledger_size < facts.ledger_was:
        yield Alarm(AlarmKind.LEDGER_SHRANK, "", facts.ledger_size, facts.ledger_was)
    free = facts.disk_free / _MB
    if free < limits.disk_free_mb:
        yield Alarm(AlarmKind.LOW_DISK, "", free, limits.disk_free_mb)
    yield from _above(AlarmKind.EQUIVOCATION, "", facts.recent_equivocations, 0)
    yield from _above(AlarmKind.INCIDENTS, "", facts.recent_incidents, 0)
    yield from _above(AlarmKind.DEAD_LETTERS, "", facts.dead_letters, limits.dead_letters)
    yield from _above(
        AlarmKind.HANDLING_LATE, "", seconds_since(facts.unhandled_since, now), limits.unhandled_s
    )


def _of_peer(peer: PeerFacts, limits: WatchSettings, now: datetime) -> Iterator[Alarm]:
    silent = seconds_since(peer.last_contact_at or peer.known_since, now)
    yield from _above(AlarmKind.PEER_SILENT, peer.peer, silent, limits.silence_s)
    unrecorded = seconds_since(peer.unrecorded_since, now)
    yield from _above(AlarmKind.RECORD_MISSING, peer.peer, unrecorded, limits.unrecorded_s)
    unwitnessed = seconds_since(peer.unwitnessed_since, now)
    yield from _above(AlarmKind.UNWITNESSED, peer.peer, unwitnessed, limits.unwitnessed_s)
    yield from _above(AlarmKind.WAITING_LONG, peer.peer, seconds_since(peer.oldest_at, now), limits.waiting_s)
    yield from _above(AlarmKind.OUTBOX_GROWING, peer.peer, peer.waiting, limits.outbox_waiting)


def _of_keys(keys: Iterable[KeyFacts], limits: WatchSettings, now: datetime) -> Iterator[Alarm]:
    for key in keys:
        days = (key.until - now).total_seconds() / _DAY
        if days < limits.key_days:
            yield Alarm(AlarmKind.KEY_ENDING, f"{key.side} {key.use}", max(0.0, days), limits.key_days)


def _of_deadlines(deadlines: Iterable[Deadline], limits: WatchSettings) -> Iterator[Alarm]:
    for each in deadlines:
        left = each.days_left
        if each.kind == "contract":
            if 0 <= left <= limits.contract_days:
                yield Alarm(AlarmKind.CONTRACT_ENDING, each.about, left, limits.contract_days)
        elif each.kind == "erasure":
            yield from _above(AlarmKind.ERASURE_LATE, each.about, -left, 0)
        elif each.kind == "trust-list":
            if left < 0:
                yield Alarm(AlarmKind.TRUST_LIST_LATE, each.about, -left, 0)
            elif left <= _LIST_DAYS:
                yield Alarm(AlarmKind.TRUST_LIST_DUE, each.about, left, _LIST_DAYS)
        elif left < 0:
            yield Alarm(AlarmKind.FILING_LATE, each.about, -left, 0)
        elif left <= limits.filing_days:
            yield Alarm(AlarmKind.FILING_DUE, each.about, left, limits.filing_days)


def _above(kind: AlarmKind, about: str, value: float, limit: float) -> Iterator[Alarm]:
    if value > limit:
        yield Alarm(kind, about, value, limit)
