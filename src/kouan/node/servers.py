"""The node's three processes, each as ``kouan serve NAME``.

``portal`` serves people and departments' systems, ``door`` serves the other sides' nodes, ``worker``
does what nobody waits for. They share the database and nothing else. ``[processes]`` in ``node.toml``
says how many there are: portals and doors of one machine share its port, workers share out the work.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

import django
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops

from kouan.config import load_from_environment
from kouan.core.watch import logs, process
from kouan.node import forks

if TYPE_CHECKING:
    from collections.abc import Callable


def portal() -> None:
    """Serve the pages and the API: in threads, since every view talks to the database; see ``front``."""
    node = load_from_environment()
    Granian(
        "kouan.node.portal:application",
        address=node.portal_listen.host,
        port=node.portal_listen.port,
        interface=Interfaces.ASGI,
        loop=Loops.asyncio,
        http=HTTPModes.http1,
        websockets=False,
        log_access=False,
        workers=node.processes.portal,
        log_dictconfig=dict(logs.GRANIAN),
        workers_kill_timeout=1,
    ).serve()


def door() -> None:
    """Serve the door: mutual TLS 1.3, only for peers whose trust documents were imported."""
    django.setup()
    from kouan.core.exchange.door import Door  # noqa: PLC0415 - needs Django's set-up
    from kouan.core.exchange.entrance.server import Entrance  # noqa: PLC0415 - as above
    from kouan.node.settling import settle  # noqa: PLC0415 - as above

    node, application = load_from_environment(), Door()
    process.begin("door", node)
    settle()
    listen = node.door_listen
    Entrance(application, host=listen.host, port=listen.port, connections=node.door.connections).run()


def worker() -> None:
    """Run the worker until SIGTERM or SIGINT."""
    django.setup()
    from kouan.core.exchange.worker import Worker  # noqa: PLC0415 - needs Django's set-up
    from kouan.node.settling import settle  # noqa: PLC0415 - as above

    process.begin("worker", load_from_environment())
    settle()
    work = Worker()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, work.stop)
    work.run()


def load() -> None:
    """Import all that these processes need, so that what is forked from here shares it."""
    gc.disable()  # hardly anything of what is loaded is garbage
    django.setup()
    from django.db import connections  # noqa: PLC0415 - needs Django's set-up
    from django.urls import get_resolver  # noqa: PLC0415 - as above

    import kouan.core.exchange.door  # noqa: PLC0415 - as above
    import kouan.core.exchange.entrance.server  # noqa: PLC0415 - as above
    import kouan.core.exchange.worker  # noqa: PLC0415 - as above
    import kouan.node.front  # noqa: PLC0415 - as above
    import kouan.node.pages  # noqa: PLC0415 - as above
    import kouan.node.programs  # noqa: PLC0415 - as above
    import kouan.node.redirects  # noqa: PLC0415 - as above
    import kouan.wsgi  # noqa: F401, PLC0415 - as above
    from kouan.node.settling import complete_shapes  # noqa: PLC0415 - as above

    assert get_resolver().url_patterns  # noqa: S101 - imports every page
    complete_shapes()
    connections.close_all()
    gc.enable()
    gc.collect()
    gc.freeze()


PROCESSES: Final[dict[str, Callable[[], None]]] = {"portal": portal, "door": door, "worker": worker}


def run_process(name: str) -> None:
    """Run one process until it is told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
    node = load_from_environment()
    forks.name(f"kouan-{name}")
    logs.configure(name, node.side, "json" if node.watch.logs == "json" else "text")
    PROCESSES[name]()


if __name__ == "__main__":
    run_process(sys.argv[1])
