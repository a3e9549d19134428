"""How far a job is, and what was wrong with its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.validation.bulk.errors import ROW_ERRORS, UnknownJob
from kouan.apps.validation.domain import OPEN_JOBS, JobKind, JobState
from kouan.apps.validation.models import BulkJob, BulkProblem

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from django.db.models import QuerySet

    from kouan.apps.validation.models import Institution

PAGE: Final = 50
"""Problems on one page."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A job, as pages, the API and the program tell it."""

    key: uuid.UUID
    institution: str
    kind: JobKind
    state: JobState
    take_good: bool
    percent: int
    """Of its bytes, each counted as often as it is read; while everything is put back, of its rows."""
    good: int
    """Rows taken, or to be taken until the job has ended; while everything is put back, those still there."""
    unchanged: int
    bad: int
    created_at: datetime
    finished_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether it has still to end."""
        return self.state in OPEN_JOBS


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one row cannot be taken, in the reader's language."""

    line: int
    column: str
    code: str
    text: str


def job(key: uuid.UUID, *, of: list[Institution]) -> Progress:
    """Return a job of these institutions; raises ``UnknownJob`` for any other."""
    found = BulkJob.objects.select_related("institution").filter(key=key, institution__in=of).first()
    if found is None:
        raise UnknownJob
    return _progress(found)


def jobs(*, of: list[Institution], most: int = 10) -> list[Progress]:
    """Return the newest jobs of these institutions."""
    found = BulkJob.objects.select_related("institution").filter(institution__in=of).order_by("-pk")[:most]
    return [_progress(one) for one in found]


def problem_rows(key: uuid.UUID) -> QuerySet[BulkProblem]:
    """Return the rows of a job's problems, by line."""
    return BulkProblem.objects.filter(job__key=key).order_by("line", "pk")


def in_words(row: BulkProblem) -> Problem:
    """Return a problem in the active language."""
    error = ROW_ERRORS[row.code](**row.params)
    return Problem(row.line, row.column, row.code, str(error))


def _progress(found: BulkJob) -> Progress:
    kind, state = JobKind(found.kind), JobState(found.state)
    done = _done(found, kind, state)
    percent = min(99, int(100 * done)) if state in OPEN_JOBS else 100
    return Progress(
        found.key,
        found.institution.code,
        kind,
        state,
        found.take_good,
        percent,
        found.good,
        found.unchanged,
        found.bad,
        found.created_at,
        found.finished_at,
    )


def _done(found: BulkJob, kind: JobKind, state: JobState) -> float:
    """Return which part of an open job is done, between 0 and 1."""
    if state is JobState.CLEARING:
        return max(0.0, 1 - found.good / max(1, found.line))  # as many rows as lines were looked at, at most
    if kind is JobKind.REGISTER:
        return found.offset / found.size
    return (found.offset + (found.size if state is JobState.TAKING else 0)) / (2 * found.size)
