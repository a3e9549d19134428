"""The process in which hostile bytes are parsed: no secrets, no database, bounded time and memory.

``pool`` starts it and talks to it over a socket pair, one job at a time. A job is one line of JSON; the file,
where the answer goes, the trust if the worker does not know it yet, and the document of a detached signature,
or what an update of a PDF is to say, come as open files beside it. The worker ends when the socket does, and
by itself when it has grown.

Run as ``python -I -m kouan.apps.signing.validating.worker DESCRIPTOR``.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import socket
import sys
from collections import OrderedDict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kouan.apps.signing.validating.algorithms import Checker
    from kouan.apps.signing.validating.engine import Engine

MEMORY: Final = 2 << 30
"""Bytes of address space."""
ANSWER: Final = 32 << 20
"""Bytes of an answer: nothing larger can be written, to any file."""
CPU_SECONDS: Final = 30
"""Of one job."""
GROWN: Final = 768 << 20
"""Bytes of resident memory from which on a new worker takes over."""
LINE: Final = 4096
DONE: Final = b"+"
LAST: Final = b"."
"""Done, and it was the last job of this worker."""
_FILES: Final = 64
_TRUSTS: Final = 3


def limit() -> None:
    """Take from this process what it does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ANSWER, ANSWER))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))


def allow_seconds(seconds: int) -> None:
    """Have the system end this process once the present job has used so much of a processor."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def resident() -> int:
    """Return how many bytes of memory this process holds now.

    Not ``ru_maxrss``: that begins with what the process had that started this one.
    """
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


class Worker:
    """What a worker keeps from job to job: parsed trusts, indexed lists, signatures that it has seen hold."""

    def __init__(self) -> None:
        from kouan.apps.signing.validating import crls  # noqa: PLC0415 - a worker that draws does without
        from kouan.apps.signing.validating.algorithms import Checker  # noqa: PLC0415 - as above

        crls.install(crls.Indexes())
        self._checker: Checker = Checker()
        self._engines: OrderedDict[str, Engine] = OrderedDict()

    def validate(
        self, file: IO[bytes], digest: str, trust: IO[bytes] | None, document: IO[bytes] | None
    ) -> bytes:
        """Return the report on a file, as JSON; ``document`` is what a detached signature is about."""
        from kouan.apps.signing.validating.pipeline import validated  # noqa: PLC0415 - as above

        return validated(file, self._engine(digest, trust), document).model_dump_json().encode()

    def update(
        self, file: IO[bytes], task: str, digest: str, trust: IO[bytes] | None, given: IO[bytes]
    ) -> bytes:
        """Return what ``making.inworker`` answers about a PDF; ``digest`` is empty if it needs no trust."""
        from kouan.apps.signing.making import inworker  # noqa: PLC0415 - as above

        given.seek(0)
        engine = self._engine(digest, trust) if digest else None
        return inworker.done(task, file, json.loads(given.read()), engine)

    def _engine(self, digest: str, block: IO[bytes] | None) -> Engine:
        from kouan.apps.signing.validating.engine import Engine  # noqa: PLC0415 - as above
        from kouan.apps.signing.validating.trust import Trust  # noqa: PLC0415 - as above

        if digest not in self._engines:
            if block is None:
                raise ValueError("a trust that is not here")
            block.seek(0)
            self._engines[digest] = Engine(Trust.unpacked(block.read()), self._checker)
            if len(self._engines) > _TRUSTS:
                self._engines.popitem(last=False)
        self._engines.move_to_end(digest)
        return self._engines[digest]


def serve(line: socket.socket) -> None:
    """Do jobs until the other end closes."""
    worker: Worker | None = None
    while True:
        head, descriptors, _, _ = socket.recv_fds(line, LINE, 4)
        files = [os.fdopen(each, "r+b" if at == 1 else "rb") for at, each in enumerate(descriptors)]
        try:
            if not head:
                return
            job: dict[str, Any] = json.loads(head)
            allow_seconds(int(job.get("seconds", CPU_SECONDS)))
            source, answer, *more = files
            if job["what"] == "draw":
                from kouan.apps.signing.validating.drawing import drawn  # noqa: PLC0415 - loads a renderer

                answer.write(drawn(source, job))
            else:
                worker = worker or Worker()
                document = more.pop() if job.get("document") else None
                trust = more[0] if more else None
                if job["what"] == "update" and document is not None:
                    answer.write(worker.update(source, job["task"], job["trust"], trust, document))
                else:
                    answer.write(worker.validate(source, job["trust"], trust, document))
            answer.flush()
            grown = resident() > GROWN
            line.sendall(LAST if grown else DONE)
            if grown:
                return
        finally:
            for each in files:
                each.close()


def main() -> None:
    """Serve on the descriptor that the command line names."""
    logging.disable(logging.CRITICAL)  # what hostile bytes make libraries say is nobody's log
    limit()
    with socket.socket(fileno=int(sys.argv[1])) as line:
        serve(line)


if __name__ == "__main__":
    main()
