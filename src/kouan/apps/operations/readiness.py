"""Whether this node can do its work now: for supervisors, load balancers and ``kouan health``.

Says which part is wanting and nothing else: whoever asks may be anybody.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from kouan.apps.operations.models import Heartbeat
from kouan.core.errors import KouanError
from kouan.core.trust.queries import own

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_LEAST_LATE: Final = 5.0
_BEATS: Final = 6
"""A worker looks at the node each ``watch.every_s``; without a sign of life for so many it counts as gone."""


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the node: whether it is as it must be."""

    name: str
    good: bool


def missed_after(every_s: float) -> timedelta:
    """Return after how long without a sign of life a worker counts as gone."""
    return timedelta(seconds=max(_LEAST_LATE, _BEATS * every_s))


def readiness(*, every_s: float) -> tuple[Check, ...]:
    """Return each part of the node, in the order in which they stand on each other."""
    late = missed_after(every_s)
    database = _look("database", _database)
    return (
        Check("database", database),
        Check("migrations", database and _look("migrations", _migrations)),
        Check("keys", _look("keys", _keys)),
        Check("worker", database and _look("worker", lambda: _worker(late))),
    )


def _look(name: str, look: Callable[[], bool]) -> bool:
    try:
        return look()
    except (DatabaseError, KouanError, OSError) as error:
        log.warning("not ready: %s (%s)", name, type(error).__name__)
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


class _Migrated:
    """Whether every migration of this program is applied: once true, true as long as the process lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._so = False

    def __call__(self) -> bool:
        with self._lock:
            if not self._so:
                executor = MigrationExecutor(connection)
                self._so = not executor.migration_plan(executor.loader.graph.leaf_nodes())
            return self._so


_migrations = _Migrated()


def _keys() -> bool:
    own().signer(timezone.now())
    return True


def _worker(late: timedelta) -> bool:
    return Heartbeat.objects.filter(process="worker", at__gt=timezone.now() - late).exists()
