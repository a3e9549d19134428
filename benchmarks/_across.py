"""Sign-ins across the boundary: how much of each is the two nodes' own processing.

A resident of one side goes from a service of the other to the home provider, agrees, and comes back; the
service takes the tokens and the claims. Counted is the time that requests to the two nodes take, one after
the other, with all that the nodes ask each other and the home provider meanwhile; not counted are the
person, the service and the home provider's own pages.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import threading
from typing import TYPE_CHECKING

from kouan.demo import identity
from kouan.demo.browser import Browser
from kouan.demo.homes import providers_of
from kouan.demo.nodes import establish, free_ports
from kouan.node.supervisor import NODES_GRACE, Supervisor, node_of

if TYPE_CHECKING:
    from pathlib import Path

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
    supervisor = Supervisor(
        [*(node_of(node.path) for node in nodes), *providers_of(nodes)], grace=NODES_GRACE
    )
    supervisor.start()
    watching = threading.Thread(target=supervisor.watch, daemon=True)
    watching.start()
    try:
        hk, gd = nodes
        with contextlib.redirect_stdout(io.StringIO()):
            services = {node.side: identity.registered(node, home) for node in nodes}
            identity.wait_for_provider(services["gd"], "hk")
            identity.wait_for_provider(services["hk"], "gd")
        for _ in range(WARM):
            processing(hk, gd, services["gd"])
        taken = [
            processing(person, other, services[other.side])
            for _ in range(SIGN_INS // 2)
            for person, other in ((hk, gd), (gd, hk))
        ]
    finally:
        supervisor.ask_to_stop()
        watching.join()
        supervisor.stop()
    return {
        "across_p50_ms": statistics.median(taken),
        "across_p95_ms": statistics.quantiles(taken, n=20)[18],
    }


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
