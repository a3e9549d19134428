"""Fetching peers' files: chunk by chunk, each verified before it is written, going on where it stopped.

The receiver fetches: it knows what it has, what it has room for and when it wants more, and a peer can
never push bytes at it. Each peer has one thread at most, so a slow one holds up nobody else; a file has
its turn for some seconds, so a large one does not hold up the small ones behind it. The lock on the
partial file is the kernel's and ends with the process, however that ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import random
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.exchange.blobs import expecting, folder, stream
from kouan.core.exchange.blobs.errors import BlobDamaged, BlobUnavailable, DamagedChunk, DiskFailed, DiskLow
from kouan.core.exchange.blobs.line import BlobLine
from kouan.core.exchange.blobs.models import ReceivedBlob
from kouan.core.exchange.blobs.request import MAX_CHUNKS
from kouan.core.trust.queries import get_member

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from django.db.models import QuerySet

log = logging.getLogger(__name__)

State = ReceivedBlob.State
TURN: Final = 5.0
"""Seconds after which another file of the same peer has its turn."""
SAVE_EVERY: Final = 0.5
"""Seconds between two moments at which what has arrived is made durable."""
MAX_THREADS: Final = 4
MAX_FAULTS: Final = 5
"""How often a door may answer with something other than the file before the file is given up."""


class _Threads:
    """One thread a peer; they end by themselves, and may die with the process at any line."""

    def __init__(self) -> None:
        self._running: dict[str, threading.Thread] = {}

    def look(self) -> bool:
        """Start a thread for each peer whose files are due; there is never more to do at once."""
        due = set(_due().values_list("peer", flat=True).distinct())
        self._running = {peer: thread for peer, thread in self._running.items() if thread.is_alive()}
        for peer in sorted(due - self._running.keys())[: MAX_THREADS - len(self._running)]:
            thread = threading.Thread(target=_work, args=(peer,), name=f"blobs-{peer}", daemon=True)
            self._running[peer] = thread
            thread.start()
        return False


start_fetching: Final = _Threads().look
"""The worker's chore."""


def _due(peer: str | None = None) -> QuerySet[ReceivedBlob]:
    due = ReceivedBlob.objects.filter(state=State.FETCHING, next_attempt_at__lte=timezone.now())
    return due if peer is None else due.filter(peer=peer).order_by("next_attempt_at", "pk")


def _work(peer: str) -> None:
    try:
        fetch_due(peer)
    except Exception:
        log.exception("fetching files of %s failed; it goes on in a while", peer)
        time.sleep(5)  # the chore starts another thread when this one has ended
    finally:
        connection.close()


def fetch_due(peer: str) -> None:
    """Fetch what is due of one peer's files, in turns, until nothing is due or the line does not work."""
    member = get_member(peer)
    with contextlib.closing(BlobLine(member)) as line:
        while (blob := _due(peer).first()) is not None:
            try:
                with _own_file(blob) as file:
                    if file is None:  # another worker is at it
                        return
                    _fetch(blob, file, line)
            except KouanError as error:
                _note_failure(blob, error)
                if not isinstance(error, DamagedChunk | BlobUnavailable):
                    return
            except OSError as error:
                _note_failure(blob, _disk_error(blob, error))
                return


def _disk_error(blob: ReceivedBlob, error: OSError) -> KouanError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskLow(size=blob.sealed_size, keep=settings.NODE.blobs.min_free_bytes)
    return DiskFailed(detail=os.strerror(error.errno or 0))


@contextlib.contextmanager
def _own_file(blob: ReceivedBlob) -> Iterator[BinaryIO | None]:
    """Open the partial file and lock it; ``None`` if another process or thread has it."""
    with folder.open_for_appending(folder.incoming(blob.file)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file


class _Sums:
    """The running SHA-256 of files under way in this process: where each has come to, and the hash."""

    def __init__(self) -> None:
        self._sums: dict[uuid.UUID, tuple[int, hashlib._Hash]] = {}

    def add(self, file: uuid.UUID, index: int, content: bytes) -> None:
        """Take in a chunk if it is the next one; otherwise the file is read once more at its end."""
        at, digest = self._sums.get(file, (0, hashlib.sha256()))
        if at == index:
            digest.update(content)
            self._sums[file] = (index + 1, digest)

    def at(self, file: uuid.UUID) -> int:
        """Return the next chunk that the sum waits for."""
        return self._sums.get(file, (0, None))[0]

    def pop(self, file: uuid.UUID) -> bytes:
        """Return the sum and forget it."""
        return self._sums.pop(file)[1].digest()

    def forget(self, file: uuid.UUID) -> None:
        """Begin anew."""
        self._sums.pop(file, None)


_sums: Final = _Sums()


def _fetch(blob: ReceivedBlob, file: BinaryIO, line: BlobLine) -> None:
    """Fetch a file for one turn, and finish it if its last chunk came."""
    blob.refresh_from_db()
    if blob.state != State.FETCHING:
        return
    cipher, total = stream.Chunks(bytes(blob.key or b"")), stream.chunks_of(blob.size)
    have = _resume(blob, file, cipher)
    started = time.monotonic()
    saved = started - SAVE_EVERY  # whoever watches sees at once that it has begun
    try:
        while have < total and time.monotonic() - started < TURN:
            lengths = [
                stream.sealed_length(index, blob.size) for index in range(have, min(have + MAX_CHUNKS, total))
            ]
            if folder.free_bytes() < settings.NODE.blobs.min_free_bytes:
                raise DiskLow(size=blob.sealed_size, keep=settings.NODE.blobs.min_free_bytes)
            for sealed in line.chunks(blob.blob_id.bytes, have, lengths):
                content = cipher.open(have, sealed, last=have == total - 1)
                folder.write_all(file, sealed)
                _sums.add(blob.file, have, content)
                have += 1
            if time.monotonic() - saved >= SAVE_EVERY:
                _save(blob, file, have)
                saved = time.monotonic()
    finally:
        _save(blob, file, have)
    if have == total:
        _finish(blob, file, cipher)


def _resume(blob: ReceivedBlob, file: BinaryIO, cipher: stream.Chunks) -> int:
    """Return how many chunks need not be fetched again, and cut off whatever lies behind them.

    A process that was killed may have written more than it noted; what opens is the file's own.
    """
    have, total = blob.chunks, stream.chunks_of(blob.size)
    if os.fstat(file.fileno()).st_size < min(have * stream.SEALED_CHUNK, blob.sealed_size):
        have = 0  # somebody emptied the folder: what is not there has to come again
    while have < total:
        sealed = os.pread(file.fileno(), stream.sealed_length(have, blob.size), have * stream.SEALED_CHUNK)
        try:
            cipher.open(have, sealed, last=have == total - 1)
        except DamagedChunk:
            break
        have += 1
    end = min(have * stream.SEALED_CHUNK, blob.sealed_size)
    file.truncate(end)
    file.seek(end)
    return have


def _save(blob: ReceivedBlob, file: BinaryIO, have: int) -> None:
    """Make what is written durable, and then note it; a file that moved on has another try at once."""
    os.fsync(file.fileno())
    progress: dict[str, object] = {"chunks": have, "next_attempt_at": timezone.now()}
    if have > blob.chunks:
        progress |= {"attempts": 0, "error": ""}
    ReceivedBlob.objects.filter(pk=blob.pk, state=State.FETCHING).update(**progress)
    blob.chunks = have


def _finish(blob: ReceivedBlob, file: BinaryIO, cipher: stream.Chunks) -> None:
    """Hold the whole against the hash that the sender signed; what this process has not seen is read."""
    total = stream.chunks_of(blob.size)
    for index in range(_sums.at(blob.file), total):
        sealed = os.pread(file.fileno(), stream.sealed_length(index, blob.size), index * stream.SEALED_CHUNK)
        try:
            content = cipher.open(index, sealed, last=index == total - 1)
        except DamagedChunk:  # our own disk lost it: fetch from here on
            log.warning("chunk %s of a file of %s is damaged on our disk", index, blob.peer)
            ReceivedBlob.objects.filter(pk=blob.pk).update(chunks=index)
            _sums.forget(blob.file)
            return
        _sums.add(blob.file, index, content)
    whole = _sums.pop(blob.file) == bytes(blob.sha256)
    with transaction.atomic():
        if whole:
            expecting.arrived(blob)
        else:
            expecting.failed(blob, BlobDamaged.code)


def _note_failure(blob: ReceivedBlob, error: KouanError) -> None:
    """Write down why nothing came, and when to try again; give up on a door that has something else."""
    log.warning("fetching a file of message %s from %s: %s", blob.message_id, blob.peer, error)
    fault = isinstance(error, DamagedChunk | BlobUnavailable)
    blob.refresh_from_db()
    with transaction.atomic():
        if fault and blob.faults + 1 >= MAX_FAULTS:
            damaged = isinstance(error, DamagedChunk)
            expecting.failed(blob, BlobDamaged.code if damaged else BlobUnavailable.code)
            return
        ReceivedBlob.objects.filter(pk=blob.pk).update(
            attempts=F("attempts") + 1,
            faults=F("faults") + int(fault),
            error=str(error)[:300],
            next_attempt_at=timezone.now() + timedelta(seconds=_back_off(blob.attempts + 1)),
        )


def _back_off(failures: int) -> float:
    exchange = settings.NODE.exchange
    longest = min(exchange.retry_first_s * 2.0 ** min(failures - 1, 16), exchange.retry_longest_s)
    return longest * random.uniform(0.75, 1.25)  # noqa: S311 - jitter keeps no secret
