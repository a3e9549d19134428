"""What a node does by itself, now and then: apps name their chores here, the worker runs them.

In every worker process a few threads, each with a database connection, do the chores in turn; one chore is
never done by two of them at once. Several workers may run it at one moment, and each may be killed at any
line: a chore finds its work in the database, takes it under a lock, and leaves it in a state from which
another can go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Run = Callable[[], bool]
"""Does some of the work, in a second or so, and returns whether more is waiting."""

IDLE: Final = 10.0
"""Seconds to which the pause of a chore may grow by itself."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to look after: called again at once while there is more, else after ``every`` seconds.

    While nothing happens on the node, the pause grows to ``idle`` seconds; a change in the database ends it.
    """

    name: str
    every: float
    run: Run
    idle: float = IDLE


_chores: dict[str, Chore] = {}


def register(name: str, *, every: float, run: Run, idle: float = IDLE) -> None:
    """Name a chore, once in a process (an app's ``ready`` is the place); a wrong one is a ``ValueError``.

    What looks at more than the database (files, another machine) says how long it may go without.
    """
    if not _NAME.fullmatch(name) or every <= 0:
        raise ValueError(f"chore {name!r}: a name in lower case and a pause above zero seconds")
    known = _chores.get(name)
    if known is not None and known.run is not run:
        raise ValueError(f"two chores are called {name!r}")
    _chores[name] = Chore(name, every, run, idle)


def registered() -> tuple[Chore, ...]:
    """Return every chore, by name."""
    return tuple(_chores[name] for name in sorted(_chores))
