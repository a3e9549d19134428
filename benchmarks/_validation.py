"""How long a validation takes, end to end over the door, at a steady rate of requests."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kouan.demo.http import post_file
from kouan.demo.nodes import DemonstrationNode, establish, free_ports
from kouan.demo.up import answers
from kouan.node.supervisor import NODES_GRACE, Supervisor, node_of

PER_SECOND = 20
SECONDS = 15
API = "/api/v1"


def latencies() -> list[float]:
    """Return the milliseconds of each validation, from the upload's first byte to the answer's last.

    A document of Hong Kong's is uploaded to Guangdong's portal ``PER_SECOND`` times a second whatever
    the answers take; each must come back as a match.
    """
    with tempfile.TemporaryDirectory(prefix="kouan-bench-") as home:
        ports = free_ports(4)
        nodes = establish(Path(home), {"hk": (ports[0], ports[1]), "gd": (ports[2], ports[3])})
        supervisor = Supervisor([node_of(node.path) for node in nodes], grace=NODES_GRACE)
        supervisor.start()
        watching = threading.Thread(target=supervisor.watch, daemon=True)
        watching.start()
        try:
            while not all(answers(node.config.portal_listen.port) for node in nodes):
                time.sleep(0.1)
            return _measure(*nodes)
        finally:
            supervisor.ask_to_stop()
            watching.join()
            supervisor.stop()


def _measure(hk: DemonstrationNode, gd: DemonstrationNode) -> list[float]:
    statement = json.dumps({"account": "demonstration", "lines": [f"line {n}" for n in range(100)]}).encode()
    fields = {"type": "bank-statement"}
    token = hk.accounts["issuer"]["token"]
    carried = post_file(hk, f"{API}/documents", "s.json", statement, fields=fields, token=token).body
    ask = gd.accounts["issuer"]["token"]

    def one() -> float:
        started = time.perf_counter()
        answer = post_file(gd, f"{API}/validations?wait=5", "s.json", carried, token=ask)
        taken = (time.perf_counter() - started) * 1000
        if answer.json().get("outcome") != "match":
            raise SystemExit(f"a validation failed: {answer.status} {answer.body[:200]!r}")
        return taken

    for _ in range(PER_SECOND):
        one()
    with ThreadPoolExecutor(32) as pool:
        began = time.perf_counter()
        asked = []
        for number in range(PER_SECOND * SECONDS):
            time.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
            asked.append(pool.submit(one))
        return [future.result() for future in asked]
