"""A doorbell between a node's processes: "there is work", without polling.

A ring is a datagram of one byte on a Unix socket in the node's run folder: which side of the channel
has work. It is a hint only: a lost ring costs a moment, since the worker also looks by itself.
"""

from __future__ import annotations

import hashlib
import socket
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

_LONGEST = 100
"""Linux allows 108 bytes for a socket's path; longer homes get a name under the temporary folder."""


def bell_path() -> Path:
    """Return where this node's worker listens."""
    path: Path = settings.NODE.run / "worker.sock"
    if len(str(path).encode()) <= _LONGEST:
        return path
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"kouan-{name}.sock"


OUTBOX: Final = b"o"
"""Something waits to be sent."""
INBOX: Final = b"i"
"""Something waits to be handled."""


def ring(what: bytes) -> None:
    """Wake the worker now for ``OUTBOX`` or ``INBOX``; nobody listening is no error."""
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        bell.sendto(what, str(bell_path()))
    except OSError:
        pass
    finally:
        bell.close()


def ring_on_commit(what: bytes) -> None:
    """Wake the worker once the transaction that is under way has committed."""
    transaction.on_commit(partial(ring, what))


def hang_bell() -> socket.socket:
    """Return the bound, non-blocking socket on which the worker hears rings."""
    path = bell_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    bell.bind(str(path))
    path.chmod(0o600)
    return bell
