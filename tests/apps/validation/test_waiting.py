from __future__ import annotations

import threading
import time

import pytest

from kouan.apps.validation import services, waiting
from kouan.apps.validation.domain import Reference
from kouan.apps.validation.errors import NothingCrossed, NotYetAnswered
from kouan.apps.validation.models import Validation
from pace import patience


def test_waiting_ends_with_the_answer_or_the_time():
    tries = iter([False, False, True])
    assert waiting._poll(lambda: next(tries), 5)
    started = time.monotonic()
    assert not waiting._poll(lambda: False, 0.05)
    assert 0.05 <= time.monotonic() - started < patience(30)


def test_only_so_many_wait_at_a_time():
    release = threading.Event()
    threads = [threading.Thread(target=waiting._poll, args=(release.is_set, 90)) for _ in range(8)]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    while waiting._places.acquire(blocking=False):
        waiting._places.release()
    assert not waiting._poll(lambda: False, 90)
    assert time.monotonic() - started < patience(30)
    release.set()
    for thread in threads:
        thread.join()


@pytest.mark.django_db
def test_evidence_needs_an_answer_that_crossed(peer, issue):
    item = services.ask(reference=Reference.new("gd"), digest=bytes(32))
    with pytest.raises(NotYetAnswered):
        waiting.evidence(item, 0)
    document, _ = issue()
    services.ask(reference=Reference.parse(document.reference), digest=bytes(32))
    with pytest.raises(NothingCrossed):
        waiting.evidence(Validation.objects.get(issuing_side="hk"), 0)
