"""A doorbell between a node's processes: "there is work", without polling.

Each worker hangs a bell of its own, a Unix socket in the node's run folder, and a ring goes to all of
them: a datagram of one byte that says which side of the channel has work. It is a hint only. A lost ring,
or one that reaches no worker on another machine, costs a moment, since workers also look by themselves.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import socket
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

_LONGEST: Final = 80
"""Linux allows 108 bytes for a socket's path; longer homes get a folder under the temporary one."""


def bells() -> Path:
    """Return the folder in which this node's workers hang their bells."""
    return bells_of(settings.NODE.run)


def bells_of(run: Path) -> Path:
    """Return the folder for the bells of the node whose run folder this is."""
    path = run / "bells"
    if len(str(path).encode()) <= _LONGEST:
        return path
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"kouan-{name}"


OUTBOX: Final = b"o"
"""Something waits to be sent."""
INBOX: Final = b"i"
"""Something waits to be handled."""


def ring(what: bytes) -> None:
    """Wake the workers now for ``OUTBOX`` or ``INBOX``; nobody listening is no error."""
    folder = str(bells())
    try:
        names = os.listdir(folder)  # noqa: PTH208 - once a message: plain names are quickest
    except OSError:
        return
    if not names:
        return
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        for name in names:
            with contextlib.suppress(OSError):
                bell.sendto(what, f"{folder}/{name}")
    finally:
        bell.close()


def ring_on_commit(what: bytes) -> None:
    """Wake the workers once the transaction that is under way has committed."""
    transaction.on_commit(partial(ring, what))


class Bell:
    """One worker's bell; a bell that nobody hears any more is taken down by the next worker."""

    def __init__(self) -> None:
        folder = bells()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _take_down_dead(folder)
        # Not by the process's id: containers that share the folder may each have the same.
        self.path = folder / secrets.token_hex(4)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(self.path))
        self.path.chmod(0o600)

    def fileno(self) -> int:
        """Return what ``select`` waits on."""
        return self._socket.fileno()

    def heard(self) -> set[bytes]:
        """Return what was rung for since the last look."""
        what = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                what.add(self._socket.recv(16))
        return what

    def close(self) -> None:
        """Take it down."""
        self._socket.close()
        self.path.unlink(missing_ok=True)


def somebody_listens() -> bool:
    """Say whether a worker runs on this machine."""
    folder = bells()
    return folder.is_dir() and any(_fault(path) is None for path in folder.iterdir())


def _take_down_dead(folder: Path) -> None:
    for path in folder.iterdir():
        if _fault(path) == errno.ECONNREFUSED:  # its worker was killed
            path.unlink(missing_ok=True)


def _fault(path: Path) -> int | None:
    """Return why a bell cannot be reached; nothing if it can."""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(str(path))
        except OSError as error:
            return error.errno
    return None
