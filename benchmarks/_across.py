"""Sign-ins across the boundary: how much of each is the two nodes' own processing.

A resident of one side goes from a service of the other to the home provider, agrees, and comes back; the
service takes the tokens and the claims. Counted is the time that requests to the two nodes take, one after
the other, with all that the nodes ask each other and the home provider meanwhile; not counted are the
person, the service and the home provider's own pages.

That time also holds whatever else the machine does meanwhile, and what the home provider takes to answer the
node. What is the nodes' own alone is told beside it: the processor time of all processes of both, to the
nanosecond as the kernel's scheduler counts it, with what their workers do of the record until the service has
its claims.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kouan.demo import identity
from kouan.demo.browser import Browser
from kouan.demo.homes import providers_of
from kouan.demo.nodes import establish, free_ports
from kouan.demo.up import answers
from kouan.node.supervisor import NODES_GRACE, Supervisor, node_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.demo.nodes import DemonstrationNode
    from kouan.demo.relying import Service

SIGN_INS = 60
WARM = 10


def figures_across(home: Path) -> dict[str, float]:
    """Return the median and the 95th percentile, in milliseconds, of sign-ins both ways."""
    ports = free_ports(6)
    nodes = establish(
        home,
        {"hk": (ports[0], ports[1]), "gd": (ports[2], ports[3])},
        providers={"hk": ports[4], "gd": ports[5]},
    )
    own = [node_of(node.path) for node in nodes]
    supervisor = Supervisor([*own, *providers_of(nodes)], grace=NODES_GRACE)
    supervisor.start()
    watching = threading.Thread(target=supervisor.watch, daemon=True)
    watching.start()
    try:
        hk, gd = nodes
        with contextlib.redirect_stdout(io.StringIO()):
            services = {node.side: identity.registered(node, home) for node in nodes}
            while not all(answers(node.config.portal_listen.port) for node in nodes):
                time.sleep(0.1)
            identity.wait_for_provider(services["gd"], "hk")
            identity.wait_for_provider(services["hk"], "gd")
        for _ in range(WARM):
            processing(hk, gd, services["gd"])
        roots = [process.running.pid for process in own if process.running is not None]
        taken, worked = [], []
        for _ in range(SIGN_INS // 2):
            for person, other in ((hk, gd), (gd, hk)):
                before = processor_ms(roots)
                taken.append(processing(person, other, services[other.side]))
                worked.append(processor_ms(roots) - before)
    finally:
        supervisor.ask_to_stop()
        watching.join()
        supervisor.stop()
    return {
        "across_p50_ms": statistics.median(taken),
        "across_p95_ms": statistics.quantiles(taken, n=20)[18],
        "across_processor_p50_ms": statistics.median(worked),
        "across_processor_p95_ms": statistics.quantiles(worked, n=20)[18],
    }


def processor_ms(roots: Sequence[int]) -> float:
    """Return the processor time that processes and all that descend from them have used."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal():
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found, known = set(roots), 0
    while len(found) > known:
        known = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    total = 0
    for pid in found:
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(thread.read_text().split()[0])
    return total / 1e6


def processing(home: DemonstrationNode, other: DemonstrationNode, service: Service) -> float:
    """Return the milliseconds that the two nodes took for one sign-in."""
    own = (home.config.portal_origin, other.config.portal_origin)
    service.seconds = 0.0
    browser = Browser()
    begun = service.begin(claims=identity.CLAIMS, level=3, side=home.side)
    address = identity.sign_in(
        browser, begun.url, person=identity.PEOPLE[home.side], redirect_uri=service.redirect_uri
    )
    service.finish(begun, address)
    asked = sum(hop.seconds for hop in browser.hops if hop.url.startswith(own))
    return (asked + service.seconds) * 1000
