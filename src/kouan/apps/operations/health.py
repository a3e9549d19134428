"""Is all well? What is looked at, from when on it is worth a person's time, and what comes first.

Pure: no Django, no database, no clock of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

PATIENCE: Final = timedelta(seconds=60)
"""How long anything may take that normally takes a second or two."""


class Level(StrEnum):
    """How things stand."""

    WELL = "well"
    ATTENTION = "attention"
    PROBLEM = "problem"


class FindingKind(StrEnum):
    """Everything that can be worth saying, the gravest first."""

    HALTED = "halted"
    EQUIVOCATION = "equivocation"
    INCIDENTS = "incidents"
    WORKER_SILENT = "worker-silent"
    LINE_DOWN = "line-down"
    WITNESS_LATE = "witness-late"
    IN_DOUBT = "in-doubt"
    WAITING_LONG = "waiting-long"
    HANDLING_LATE = "handling-late"
    DEAD_LETTERS = "dead-letters"
    NO_PEERS = "no-peers"


_ATTENTION_ONLY: Final = frozenset({FindingKind.DEAD_LETTERS, FindingKind.NO_PEERS})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: with which peer, how many, since when."""

    kind: FindingKind
    peer: str = ""
    count: int = 0
    since: datetime | None = None

    @property
    def level(self) -> Level:
        """Whether something is broken, or a person has something to decide."""
        return Level.ATTENTION if self.kind in _ATTENTION_ONLY else Level.PROBLEM


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What is known of the line to one peer."""

    peer: str
    last_contact_at: datetime | None = None
    failing: bool = False
    """Whether the last try failed."""
    failed_at: datetime | None = None
    waiting: int = 0
    oldest_waiting_at: datetime | None = None
    in_doubt_since: datetime | None = None
    """When the batch was sealed whose receipt is still to come."""
    in_doubt_tries: int = 0
    unwitnessed_since: datetime | None = None
    """When the oldest checkpoint was published that the peer has not co-signed."""
    halted: bool = False
    """Whether the channel is halted until operators agree how to go on."""
    halted_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What is known of the whole node."""

    lines: tuple[LineFacts, ...] = ()
    dead_letters: int = 0
    recent_incidents: int = 0
    """Those that nobody has acknowledged."""
    equivocations: int = 0
    unsigned_since: datetime | None = None
    """When the oldest ledger entry was made that no checkpoint covers yet."""
    unhandled_since: datetime | None = None
    """When the oldest message arrived that waits for its handler."""


def assess(facts: NodeFacts, now: datetime) -> tuple[Finding, ...]:
    """Return what is worth a person's time, the gravest first; nothing when all is well."""
    findings = []
    if facts.equivocations:
        findings.append(Finding(FindingKind.EQUIVOCATION, count=facts.equivocations))
    if facts.recent_incidents:
        findings.append(Finding(FindingKind.INCIDENTS, count=facts.recent_incidents))
    if late(facts.unsigned_since, now):
        findings.append(Finding(FindingKind.WORKER_SILENT, since=facts.unsigned_since))
    if late(facts.unhandled_since, now):
        findings.append(Finding(FindingKind.HANDLING_LATE, since=facts.unhandled_since))
    if facts.dead_letters:
        findings.append(Finding(FindingKind.DEAD_LETTERS, count=facts.dead_letters))
    if not facts.lines:
        findings.append(Finding(FindingKind.NO_PEERS))
    for line in facts.lines:
        findings += _of_line(line, now)
    gravity = list(FindingKind)
    return tuple(sorted(findings, key=lambda finding: gravity.index(finding.kind)))


def _of_line(line: LineFacts, now: datetime) -> list[Finding]:
    if line.halted:
        # Whatever else is the matter with the line comes of that.
        return [Finding(FindingKind.HALTED, line.peer, since=line.halted_since)]
    findings = []
    if line.failing:
        findings.append(Finding(FindingKind.LINE_DOWN, line.peer, line.waiting, line.failed_at))
    if late(line.in_doubt_since, now):
        findings.append(Finding(FindingKind.IN_DOUBT, line.peer, line.in_doubt_tries, line.in_doubt_since))
    elif not line.failing and late(line.oldest_waiting_at, now):
        # Behind a batch in doubt, or on a line that is down, waiting is no news of its own.
        findings.append(Finding(FindingKind.WAITING_LONG, line.peer, line.waiting, line.oldest_waiting_at))
    if late(line.unwitnessed_since, now):
        findings.append(Finding(FindingKind.WITNESS_LATE, line.peer, since=line.unwitnessed_since))
    return findings


def level_of(findings: tuple[Finding, ...]) -> Level:
    """Return how things stand, all findings together."""
    if any(finding.level is Level.PROBLEM for finding in findings):
        return Level.PROBLEM
    return Level.ATTENTION if findings else Level.WELL


def late(since: datetime | None, now: datetime) -> bool:
    """Say whether something has been under way for longer than ``PATIENCE``."""
    return since is not None and now - since > PATIENCE
