"""Calls: what a peer may ask of this side's door and be answered at once.

A message is for what must arrive; a call is for what only counts now, such as a sign-in while a person waits
before the screen. It goes through the same door, over mutual TLS, to members alone; nothing of it is kept
here: an app that answers or makes a call logs what has to be provable, as a message. An app names the calls
that it answers when it is ready; any other path stays 404. ``calling`` is the other end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

MAX_CALL: Final = 64 * 1024
"""The most bytes of a call's body, and of its answer."""
TOLD: Final = frozenset({"authorization", "content-type", "dpop"})
"""The request headers that reach who answers; the values are the peer's, and bounded by the door."""
RETURNED: Final = frozenset({"cache-control", "content-type", "dpop-nonce", "www-authenticate"})
"""The answer's headers that are sent, and that the one who asked gets to see."""

_PATH: Final = re.compile(r"(/[a-z][a-z0-9-]{0,31}){2,3}")


@dataclass(frozen=True, slots=True)
class Called:
    """A call as the one who answers sees it."""

    caller: str
    """The side, as its TLS certificate says."""
    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of ``TOLD``, with names in lower case."""


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """What goes back; ``headers`` of ``RETURNED``, with names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Answerer = Callable[[Called], CallAnswer]

_answerers: dict[str, Answerer] = {}


def answer(path: str, answerer: Answerer) -> None:
    """Name who answers the calls to a path (an app's ``ready`` is the place).

    A wrong one is a ``ValueError``. It runs on a thread of the door with a database connection, outside any
    transaction. A ``KouanError`` is told to the peer as a problem document; anything else that it raises is
    logged and told as 500.
    """
    if not _PATH.fullmatch(path):
        raise ValueError(f"call {path!r}: two or three lower-case words, such as /identity/token")
    if _answerers.setdefault(path, answerer) is not answerer:
        raise ValueError(f"two answer the call {path!r}")


def answerer_of(path: str) -> Answerer | None:
    """Return who answers the calls to a path, if anybody does."""
    return _answerers.get(path)
