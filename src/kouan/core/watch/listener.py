"""Where Prometheus finds a process's metrics: a small HTTP server of its own, on a thread of its own.

One port a process, in a row from ``watch.listen``: so what one of them counts needs no shared file, and
a process that is gone is seen to be gone.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from prometheus_client import start_wsgi_server

from kouan.core.watch import meters

if TYPE_CHECKING:
    from kouan.sections import Address

log = logging.getLogger(__name__)

PORTS: Final = {"portal": 0, "door": 1, "worker": 2}
"""How far each process's port is from the first."""
_PAUSE: Final = 2.0


def listen(process: str, side: str, first: Address) -> None:
    """Serve this process's metrics from now on.

    A port that is taken is tried again: what came before may be ending still. The process goes on
    meanwhile, since watching it is not what it is for.
    """
    meters.describe(process=process, side=side)
    port = first.port + PORTS[process]
    threading.Thread(target=_serve, args=(first.host, port), daemon=True, name="watch").start()


def _serve(host: str, port: int) -> None:
    told = False
    while True:
        try:
            start_wsgi_server(port, host, registry=meters.REGISTRY)
        except OSError as error:
            if not told:
                log.warning("the metrics cannot be served on %s:%s (%s)", host, port, error.strerror)
            told = True
            time.sleep(_PAUSE)
        else:
            return
