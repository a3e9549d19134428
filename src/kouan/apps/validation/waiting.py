"""Waiting a moment for an answer, so that the first page a person sees usually holds it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar

from kouan.apps.validation.errors import NothingCrossed, NotYetAnswered
from kouan.apps.validation.queries import crossed
from kouan.core.database.rows import select, stored
from kouan.core.database.sharing import lend_session
from kouan.core.exchange.evidence import NotYetProvable, evidence_bundle

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from kouan.apps.validation.models import Validation

LONGEST: Final = 1.5
"""Seconds that a request waits for an answer by default."""

_ENDED: Final = (
    "SELECT 1 FROM validation_validation WHERE id = %s AND (answered_at IS NOT NULL OR failure <> '')"
)
"""Asked again and again by everybody who waits, so by hand."""
_PAUSES: Final = (0.01, 0.02, 0.02, 0.03, 0.05)
_places = threading.BoundedSemaphore(8)
"""How many requests of a process may wait at a time: when a line is down, the other pages must go on."""

T = TypeVar("T")


def wait_for_answer(key: uuid.UUID, seconds: float = LONGEST) -> None:
    """Return once the validation ended, after ``seconds``, or at once when too many wait already."""
    params = [stored(key)]
    _poll(lambda: bool(select(_ENDED, params)), seconds)


def evidence(item: Validation, seconds: float = LONGEST) -> bytes:
    """Return the evidence bundle of an answered validation.

    Raises ``NothingCrossed``, ``NotYetAnswered``, or ``NotYetProvable`` while the other side's co-signature
    is still to come.
    """
    if item.local:
        raise NothingCrossed
    if item.answered_at is None:
        raise NotYetAnswered
    messages = crossed(item)

    def bundle() -> bytes | None:
        try:
            return evidence_bundle(messages)
        except NotYetProvable:
            return None

    return _poll(bundle, seconds) or evidence_bundle(messages)


def _poll(ready: Callable[[], T], seconds: float) -> T:
    """Return what ``ready`` returns once it is true, or what it returns at last."""
    until = time.monotonic() + seconds
    result = ready()
    if result or seconds <= 0 or not _places.acquire(blocking=False):
        return result
    try:
        tries = 0
        while not result and time.monotonic() < until:
            lend_session()
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
            result = ready()
    finally:
        _places.release()
    return result
