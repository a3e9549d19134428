"""Taking a job's file in: piece by piece, each piece one transaction with its place in the file.

One job is worked on at a time, the oldest first. Several processes may call ``step`` at once, and each may be
killed at any line: a piece is read without a lock, and counts only if the job still stands where it was read.

Registering writes rows that are not on the register until the job has ended well, so a whole file appears at
one moment or never. Taking documents back looks at every row first and changes nothing; then it goes through
the file again.

A file that cannot be read at the moment waits where it is, while later ones go on; one that was altered, or
cannot be read for a day, ends its job as refused or, where documents were taken back already, as failed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from kouan.apps.validation import queries
from kouan.apps.validation.bulk import files, reading
from kouan.apps.validation.bulk.entering import enter
from kouan.apps.validation.bulk.errors import UnreadableFile
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
PATIENCE: Final = timedelta(days=1)
"""So long after it was sent a file that cannot be read is tried again: a disk may come back."""
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
    """Do a piece of the oldest open job whose file can be read; return whether there was one."""
    jobs = BulkJob.objects.select_related("institution").filter(state__in=OPEN_JOBS).order_by("pk")
    found = False
    for job in jobs:
        found = True
        if _piece_of(job):
            return True
    if not found:
        files.sweep(set())
    return False


def _piece_of(job: BulkJob) -> bool:
    """Do a piece of a job; return whether its file could be read, or never will be."""
    if job.state == JobState.CLEARING:
        _clear(job)
        return True
    now = timezone.now()
    piece: Piece | None
    try:
        piece = _read(job)
    except OSError:
        log.exception("the file of job %s cannot be read", job.key)
        if now - job.created_at < PATIENCE:
            return False
        piece = None
    except Unsealable:
        log.exception("the file of job %s was altered, or is sealed under another secret", job.key)
        piece = None
    with transaction.atomic():
        take_turn("bulk")
        locked = BulkJob.objects.select_for_update().get(pk=job.pk)
        if (locked.state, locked.offset) == (job.state, job.offset):
            if piece is None:
                _give_up(locked, now)
            else:
                _take(locked, piece, now)
            locked.save()
            job = locked
    if job.state not in OPEN_JOBS or job.state == JobState.CLEARING:
        files.remove(job.key)
    return True


def _read(job: BulkJob) -> Piece:
    final = job.offset + _WINDOW >= job.size
    data = files.read(job.key, job.offset, _WINDOW)
    if len(data) != min(_WINDOW, job.size - job.offset):
        raise OSError("the file is shorter than it was")
    # The day on which it was sent: a row that was good when it was looked at is so after midnight too.
    whose = Whose(settings.NODE.side, job.institution.code, queries.today(job.created_at))
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
    if job.kind == JobKind.REGISTER:
        good, unchanged, worse = enter(job, piece.rows, now)  # type: ignore[arg-type]  # as its kind says
    else:
        good, unchanged, worse = withdraw(job, piece.rows, now, change=again)  # type: ignore[arg-type]  # as above
    found = [*piece.problems, *worse]
    _note(job, sorted(_untold(job, found) if again else found, key=lambda problem: problem.line))
    job.good += good
    job.unchanged += unchanged
    job.offset, job.line = piece.offset, piece.line
    if job.offset >= job.size:
        _end_of_file(job, now)


def _untold(job: BulkJob, found: list[RowProblem]) -> list[RowProblem]:
    """Leave out what was told of the same rows when they were looked at."""
    if not found or not job.take_good:
        return found  # then every row was good
    told = job.problems.filter(line__lte=max(one.line for one in found))
    lines = set(told.filter(line__gte=min(one.line for one in found)).values_list("line", flat=True))
    # Of a file with more bad rows than are kept those after the last one kept were counted at the look.
    last = job.problems.aggregate(last=Max("line"))["last"] if job.bad > KEPT_PROBLEMS else None
    return [one for one in found if one.line not in lines and (last is None or one.line <= last)]


def _give_up(job: BulkJob, now: datetime) -> None:
    """End a job whose file cannot be read on: nothing of it counts, but what was taken back already is."""
    _note(job, [RowProblem(job.line, "", UnreadableFile())])
    if job.kind == JobKind.REGISTER:
        job.state = JobState.CLEARING
        return
    job.state = JobState.FAILED if job.state == JobState.TAKING else JobState.REFUSED
    job.finished_at = now


def _end_of_file(job: BulkJob, now: datetime) -> None:
    refused = bool(job.bad) and not job.take_good
    if job.state == JobState.CHECKING and not refused:
        job.state, job.offset, job.line = JobState.TAKING, job.begin, 2
        return
    if refused and job.kind == JobKind.REGISTER:
        job.state = JobState.CLEARING
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
            locked.good = max(0, locked.good - len(keys))
        else:
            locked.state, locked.good, locked.finished_at = JobState.REFUSED.value, 0, timezone.now()
        locked.save()
