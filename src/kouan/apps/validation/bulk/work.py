"""Taking a job's file in: piece by piece, each piece one transaction with its place in the file.

One job is worked on at a time, the oldest first. Several processes may call ``step`` at once, and each may be
killed at any line: a piece is read without a lock, and counts only if the job still stands where it was read.

Registering writes rows that are not on the register until the job has ended well, so a whole file appears at
one moment or never. Taking documents back looks at every row first and changes nothing; then it goes through
the file again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.validation import queries
from kouan.apps.validation.bulk import files, reading
from kouan.apps.validation.bulk.entering import enter
from kouan.apps.validation.bulk.errors import UnclosedQuotes
from kouan.apps.validation.bulk.rows import RowProblem, Whose, registration, withdrawal
from kouan.apps.validation.bulk.withdrawing import withdraw
from kouan.apps.validation.domain import OPEN_JOBS, JobKind, JobState
from kouan.apps.validation.models import BulkJob, BulkProblem, RegisteredDocument
from kouan.core.database.locks import take_turn
from kouan.core.database.rows import execute, insert_many
from kouan.core.vault import Unsealable

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.validation.bulk.rows import Registration, Withdrawal

EVERY: Final = 1.0
"""Seconds between looks for a job."""
ROWS: Final = 5000
"""The most rows of one piece: on SQLite nobody else writes meanwhile."""
KEPT_PROBLEMS: Final = 1000
"""So many bad rows of a job are named; all are counted."""
_WINDOW: Final = 1 << 20
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Piece:
    """Some rows of a job's file, and where the next one begins."""

    offset: int
    line: int
    rows: list[Registration | Withdrawal] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)


def step() -> bool:
    """Do a piece of the oldest open job; return whether there was one."""
    job = BulkJob.objects.select_related("institution").filter(state__in=OPEN_JOBS).order_by("pk").first()
    if job is None:
        files.sweep(set())
        return False
    if job.state == JobState.CLEARING:
        _clear(job)
        return True
    now = timezone.now()
    try:
        piece = _read(job, now)
    except (OSError, Unsealable):
        log.exception("the file of job %s cannot be read", job.key)
        problem = RowProblem(job.line, "", UnclosedQuotes())
        piece = Piece(job.size, job.line, problems=[problem])
    with transaction.atomic():
        take_turn("bulk")
        locked = BulkJob.objects.select_for_update().get(pk=job.pk)
        if (locked.state, locked.offset) == (job.state, job.offset):
            _take(locked, piece, now)
            locked.save()
            job = locked
    if job.state not in OPEN_JOBS or job.state == JobState.CLEARING:
        files.remove(job.key)
    return True


def _read(job: BulkJob, now: datetime) -> Piece:
    final = job.offset + _WINDOW >= job.size
    data = files.read(job.key, job.offset, _WINDOW)
    if len(data) != min(_WINDOW, job.size - job.offset):
        raise OSError("the file is shorter than it was")
    whose = Whose(settings.NODE.side, job.institution.code, queries.today(now))
    parse = registration if job.kind == JobKind.REGISTER else withdrawal
    piece = Piece(job.size if final else job.offset, job.line)
    for count, row in enumerate(reading.rows(data, line=job.line, final=final), start=1):
        try:
            if not row.blank:
                piece.rows.append(parse(row, job.columns, whose))
        except RowProblem as problem:
            problem.__context__ = None
            piece.problems.append(problem.with_traceback(None))
        piece.offset, piece.line = job.offset + row.end, row.next_line
        if row.last:
            piece.offset = job.size
        if count == ROWS or row.last:
            return piece
    if final:
        piece.offset = job.size
    return piece


def _take(job: BulkJob, piece: Piece, now: datetime) -> None:
    """Write down what a piece says, and go on in the file."""
    again = job.kind == JobKind.REVOKE and job.state == JobState.TAKING
    found = [] if again else piece.problems
    if job.kind == JobKind.REGISTER:
        good, unchanged, worse = enter(job, piece.rows, now)  # type: ignore[arg-type]  # as its kind says
    else:
        good, unchanged, worse = withdraw(job, piece.rows, now, change=again)  # type: ignore[arg-type]  # as above
    _note(job, sorted([*found, *worse], key=lambda problem: problem.line))
    job.good += good
    job.unchanged += unchanged
    job.offset, job.line = piece.offset, piece.line
    if job.offset >= job.size:
        _end_of_file(job, now)


def _end_of_file(job: BulkJob, now: datetime) -> None:
    refused = bool(job.bad) and not job.take_good
    if job.state == JobState.CHECKING and not refused:
        job.state, job.offset, job.line = JobState.TAKING, job.begin, 2
        return
    if refused and job.kind == JobKind.REGISTER:
        job.state, job.good = JobState.CLEARING, 0
        return
    # What was found while documents were taken back does not undo it: the first of two rows stands.
    job.state = JobState.REFUSED if refused and job.state == JobState.CHECKING else JobState.DONE
    job.finished_at = now


def _note(job: BulkJob, problems: list[RowProblem]) -> None:
    kept = problems[: max(0, KEPT_PROBLEMS - job.bad)]
    rows = [(job.pk, one.line, one.column, one.error.code, one.error.params) for one in kept]
    insert_many(BulkProblem, ("job_id", "line", "column", "code", "params"), rows)
    job.bad += len(problems)


def _clear(job: BulkJob) -> None:
    """Remove some of what a refused file had written before its bad row was found."""
    table = RegisteredDocument._meta.db_table
    with transaction.atomic():
        take_turn("bulk")
        locked = BulkJob.objects.select_for_update().get(pk=job.pk)
        if locked.state != JobState.CLEARING:
            return
        keys = list(locked.documents.order_by("pk").values_list("pk", flat=True)[:ROWS])
        if keys:
            sql = f'DELETE FROM "{table}" WHERE id BETWEEN %s AND %s AND job_id = %s'  # noqa: S608 - the model's name
            execute(sql, (keys[0], keys[-1], job.pk))
        else:
            locked.state, locked.finished_at = JobState.REFUSED.value, timezone.now()
            locked.save()
