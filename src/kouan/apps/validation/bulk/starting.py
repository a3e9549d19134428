"""Beginning a job: its file is kept, its first line is checked, and the worker does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone

from kouan.apps.validation.bulk import files, reading
from kouan.apps.validation.bulk.errors import TooManyJobs
from kouan.apps.validation.bulk.rows import check_columns
from kouan.apps.validation.domain import OPEN_JOBS, JobKind, JobState
from kouan.apps.validation.models import BulkJob
from kouan.core.database.locks import take_turn
from kouan.core.exchange.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import User

    from kouan.apps.validation.models import AccessToken, Institution

MOST_OPEN: Final = 20
"""Files of one institution that may wait."""


def start(  # noqa: PLR0913 - what an institution says about a file, by name
    *,
    institution: Institution,
    kind: JobKind,
    pieces: Iterable[bytes],
    take_good: bool,
    by: User | None = None,
    token: AccessToken | None = None,
) -> BulkJob:
    """Keep a file of many rows, and return the job that will take it.

    Raises a ``BulkError``, or ``EmptyFile``; then nothing is kept.
    """
    _may_wait(institution)
    key = new_id()
    size = files.keep(key, pieces)
    try:
        names, begin = reading.names(files.read(key, 0, reading.MAX_ROW + 4))
        check_columns(kind, names)
        with transaction.atomic():
            take_turn(f"bulk files of {institution.pk}")
            _may_wait(institution)
            return BulkJob.objects.create(
                key=key,
                institution=institution,
                kind=kind.value,
                take_good=take_good,
                state=(JobState.TAKING if kind is JobKind.REGISTER else JobState.CHECKING).value,
                columns=names,
                size=size,
                begin=begin,
                offset=begin,
                created_at=timezone.now(),
                by=by,
                token=token,
            )
    except BaseException:
        files.remove(key)
        raise


def _may_wait(institution: Institution) -> None:
    if BulkJob.objects.filter(institution=institution, state__in=OPEN_JOBS).count() >= MOST_OPEN:
        raise TooManyJobs(limit=MOST_OPEN)
