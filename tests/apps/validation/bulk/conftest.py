"""Files of many rows, and a worker that is asked for one piece after the other."""

from __future__ import annotations

import pytest

from kouan.apps.validation.bulk import progress, work
from kouan.apps.validation.bulk.starting import start
from kouan.apps.validation.domain import JobKind


@pytest.fixture
def begin(university):
    """Begin a job with a file's text and return its id."""

    def begin(text: str, kind: JobKind = JobKind.REGISTER, *, take_good: bool = False, institution=None):
        pieces = [text.encode()]
        whose = institution or university
        return start(institution=whose, kind=kind, pieces=pieces, take_good=take_good).key

    return begin


@pytest.fixture
def run(begin, university):
    """Begin a job, work until nothing is left, and return how it ended."""

    def run(text: str, kind: JobKind = JobKind.REGISTER, *, take_good: bool = False, institution=None):
        key = begin(text, kind, take_good=take_good, institution=institution)
        while work.step():
            pass
        return progress.job(key, of=[institution or university])

    return run
