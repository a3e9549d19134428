"""Validation by fingerprint on one node: documents registered by file a second, and validations a second.

The file goes the whole way: kept and sealed, its rows read and checked, written to the register piece by
piece, each piece durable (SQLite; PostgreSQL with KOUAN_BENCH_DATABASE). Validations are questions about
documents of the node's own side, put to its portal by several systems at once and answered from the register:
many in a request, and one by one. Whoever asks runs on the same machine.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _table import figures
from kouan.demo.nodes import DemonstrationNode, establish, free_ports, node_environment
from kouan.demo.up import answers
from kouan.node.supervisor import NODES_GRACE, Supervisor, node_of

ROWS = int(os.environ.get("KOUAN_BENCH_ROWS", "100000"))
SECONDS = float(os.environ.get("KOUAN_BENCH_SECONDS", "8"))
API = "/api/v1/validations"
AT_ONCE = 8
BATCH = 100
"""Questions in a request."""

_REGISTER = """
import hashlib, json, sys, time, django
django.setup()
from kouan.apps.validation import queries
from kouan.apps.validation.bulk import progress, work
from kouan.apps.validation.bulk.starting import start
from kouan.apps.validation.domain import JobKind, Reference

count = int(sys.argv[1])
institution = queries.institution("harbour-university")
references = [str(Reference.new("hk")) for _ in range(count)]
digests = [hashlib.sha256(reference.encode()).hexdigest() for reference in references]
lines = ["reference,type,fingerprint,expires_on\\n"]
lines += [f"{one},bank-statement,{digest},2099-12-31\\n" for one, digest in zip(references, digests)]
text = "".join(lines).encode()
began = time.perf_counter()
job = start(institution=institution, kind=JobKind.REGISTER, pieces=[text], take_good=False)
while work.step():
    pass
taken = time.perf_counter() - began
found = progress.job(job.key, of=[institution])
assert (found.state, found.good) == ("done", count), found
print(json.dumps({"rate": count / taken, "some": list(zip(references, digests))[:1000]}))
"""


def main() -> None:
    """Measure both and keep the figures."""
    with tempfile.TemporaryDirectory(prefix="kouan-bench-") as home:
        ports = free_ports(2)
        database = os.environ.get("KOUAN_BENCH_DATABASE")
        (node,) = establish(
            Path(home), {"hk": (ports[0], ports[1])}, databases={"hk": database} if database else None
        )
        with node.path.open("a", encoding="utf-8") as settings:
            settings.write("\n[validation]\ntoken_per_minute = 1000000\n")
        done = subprocess.run(
            [sys.executable, "-c", _REGISTER, str(ROWS)],
            env=node_environment(node),
            check=True,
            capture_output=True,
            text=True,
        )
        registered = json.loads(done.stdout)
        figures(
            "dataflow",
            {
                "registered_per_s": registered["rate"],
                **_validations(node, registered["some"]),
            },
        )


def _validations(node: DemonstrationNode, known: list[list[str]]) -> dict[str, float]:
    supervisor = Supervisor([node_of(node.path)], grace=NODES_GRACE)
    supervisor.start()
    watching = threading.Thread(target=supervisor.watch, daemon=True)
    watching.start()
    try:
        while not answers(node.config.portal_listen.port):
            time.sleep(0.1)
        return {
            "validations_per_s": _rate(node, known, BATCH),
            "validations_one_by_one_per_s": _rate(node, known, 1),
        }
    finally:
        supervisor.ask_to_stop()
        watching.join()
        supervisor.stop()


def _rate(node: DemonstrationNode, known: list[list[str]], size: int) -> float:
    """Return questions a second, so many in each request."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        _ask(node, known, size, time.perf_counter() + 1)
        began = time.perf_counter()
        counts = [pool.submit(_ask, node, known, size, began + SECONDS) for _ in range(AT_ONCE)]
        return sum(count.result() for count in counts) / (time.perf_counter() - began)


def _ask(node: DemonstrationNode, known: list[list[str]], size: int, until: float) -> int:
    """Ask again and again over one connection, and return how many questions were answered."""
    listen = node.config.portal_listen
    connection = http.client.HTTPConnection(listen.host, listen.port, timeout=30)
    headers = {
        "Authorization": f"Bearer {node.accounts['issuer']['token']}",
        "Content-Type": "application/json",
    }
    count = 0
    while time.perf_counter() < until:
        questions = [
            {"reference": reference, "algorithm": "sha-256", "digest": digest}
            for reference, digest in random.sample(known, size)
        ]
        path, body = (
            ("/validations?wait=0", questions[0])
            if size == 1
            else ("/validations/batch", {"questions": questions})
        )
        connection.request("POST", f"/api/v1{path}", body=json.dumps(body), headers=headers)
        answer = json.loads(connection.getresponse().read())
        found = answer["validations"] if size > 1 else [answer]
        if [one.get("outcome") for one in found] != ["match"] * size:
            raise SystemExit(f"a validation failed: {answer}")
        count += size
    connection.close()
    return count


if __name__ == "__main__":
    main()
