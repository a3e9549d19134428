"""Places of OFD's parts as its XML names them (ST_Loc, GB/T 33190 section 7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kouan.apps.signing.ofd import limits
from kouan.apps.signing.ofd.codes import Problem
from kouan.apps.signing.ofd.container import shown
from kouan.apps.signing.ofd.errors import UnreadableOfd

if TYPE_CHECKING:
    from kouan.apps.signing.ofd.container import Container


def folder(name: str) -> str:
    """Return the folder of a part, without a slash at its end; empty for the root."""
    return name.rpartition("/")[0]


def absolute(base: str, location: str) -> str:
    """Return a part's name from a location that stands in a part of the folder ``base``.

    Raises ``UnreadableOfd`` where it leads out of the container, or is no location.
    """
    location = location.strip().replace("\\", "/")
    if not location or len(location) > limits.MAX_NAME or "\0" in location:
        raise UnreadableOfd(Problem.PATH, shown(location))
    steps = [] if location.startswith("/") or not base else base.split("/")
    for step in location.split("/"):
        if step == "..":
            if not steps:
                raise UnreadableOfd(Problem.PATH, shown(location))
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    if not steps:
        raise UnreadableOfd(Problem.PATH, shown(location))
    return "/".join(steps)


def locate(container: Container, base: str, location: str) -> tuple[str, bool]:
    """Return the part that a location names, and whether it is there; raises ``UnreadableOfd``.

    A location without a slash before it counts from ``base``, and where nothing is there, from the root: so
    producers write it.
    """
    name = absolute(base, location)
    found = container.find(name)
    if found is None and not location.strip().startswith("/"):
        try:
            found = container.find(absolute("", location))
        except UnreadableOfd:
            found = None
    return (found, True) if found is not None else (name, False)
