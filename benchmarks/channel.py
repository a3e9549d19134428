"""The channel's figures: messages a second through two nodes on this machine, beside their floor.

Everything is measured in one run, so that ratios hold on a noisy machine: the floor (cryptography and
commits alone, no network, no framework), one by one, and batched. "Through" means handled at the other
side and known to be so at this one, with policy, schema check, ledger and receipts in. "One by one" is a
batch, a wrapped key, a signature and a receipt for every single message; commits and requests are shared by
what waits, at most 32 batches, here as in the floor. KOUAN_BENCH_AS2 may name a Python that has pyas2lib.
Where a PostgreSQL server answers, the same goes through nodes on it, under keys that end in ``_postgresql``.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import _latency
from _memory import Memory
from _server import databases, server
from _table import figures
from _validation import PER_SECOND, latencies
from kouan.demo.nodes import DemonstrationNode, establish, free_ports, node_environment
from kouan.node.supervisor import Supervisor, processes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE_BY_ONE = int(os.environ.get("KOUAN_BENCH_ONE", "1500"))
BATCHED = int(os.environ.get("KOUAN_BENCH_BATCHED", "20000"))
BYTES = 2000
AT_ONCE = 32
"""How many batches share a commit, at most: ``kouan.core.exchange.sealing.AT_ONCE``."""

_PRODUCE = """
import sys, time, django
django.setup()
from django.db import transaction
from kouan.core.exchange.crossings import PROBE, Probe
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.outbox import send, send_many
count, group, size = map(int, sys.argv[1:])
# By the index on the state: a look over the whole table would take more of the machine than the channel.
unfinished = OutboxMessage.objects.filter(state__in=["waiting", "sealed", "accepted"])
with transaction.atomic():
    send(PROBE, to="gd", payload=Probe(padding=b""))
while unfinished.exists():
    time.sleep(0.02)
payloads = [Probe(padding=bytes(size))] * group
started, cpu = time.perf_counter(), time.process_time()
for _ in range(count // group):
    with transaction.atomic():
        send_many(PROBE, to="gd", payloads=payloads)
queued = time.perf_counter() - started
cpu = time.process_time() - cpu
while unfinished.exists():
    time.sleep(0.02)
taken = time.perf_counter() - started
assert not OutboxMessage.objects.exclude(state="handled").exists()
print(count / taken, queued, cpu)
"""


def through(count: int, group: int, exchange: dict[str, int], on: str | None = None) -> tuple[float, float]:
    """Return messages a second from the first ``send`` to the last "handled" back at the sender.

    And by how many MB the largest process grew after the first half. ``on`` is a PostgreSQL server.
    """
    with pair(exchange, on) as (nodes, supervisor), Memory(supervisor) as memory:
        output = run(nodes[0], _PRODUCE, str(count), str(group), str(BYTES))
        return float(output.split()[0]), memory.growth_mb()


def crossings() -> dict[str, float]:
    """Return how long single messages take."""
    with pair({"linger_ms": 5}) as (nodes, _supervisor):
        sent = run(nodes[0], _latency.SEND, str(_latency.PER_SECOND), str(_latency.SECONDS), str(BYTES))
        time.sleep(1)
        return _latency.figures(_latency.milliseconds(sent, run(nodes[1], _latency.HANDLED)))


def as2(one: float, batched: float) -> dict[str, float]:
    """Return what pyas2lib does on one core in this run, and how many times that the channel does."""
    python = os.environ.get("KOUAN_BENCH_AS2")
    if not python:
        print("pyas2lib is not compared: KOUAN_BENCH_AS2 names no Python that has it", file=sys.stderr)
        return {}
    with tempfile.TemporaryDirectory(prefix="kouan-bench-") as folder:
        key, certificate = Path(folder, "key.pem"), Path(folder, "cert.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
             "-subj", "/CN=bench", "-days", "3"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        script = Path(__file__).parent / "_as2.py"
        done = subprocess.run(
            [python, script, folder, "10", str(BYTES)],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
    per_second = float(done.stdout)
    return {
        "pyas2lib_per_s": per_second,
        "one_by_one_to_pyas2lib": one / per_second,
        "batched_to_pyas2lib": batched / per_second,
    }


@contextlib.contextmanager
def pair(
    exchange: dict[str, int], on: str | None = None
) -> Iterator[tuple[list[DemonstrationNode], Supervisor]]:
    """Run two fresh nodes that know each other, without their portals."""
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="kouan-bench-"))
        made = stack.enter_context(databases(on, ("hk", "gd"))) if on else None
        ports = free_ports(4)
        nodes = establish(
            Path(home),
            {"hk": (ports[0], ports[1]), "gd": (ports[2], ports[3])},
            exchange=exchange,
            databases=made,
        )
        supervisor = Supervisor(
            process for node in nodes for process in processes_of(node.path, ("door", "worker"))
        )
        supervisor.start()
        watching = threading.Thread(target=supervisor.watch, daemon=True)
        watching.start()
        try:
            yield nodes, supervisor
        finally:
            supervisor.ask_to_stop()
            watching.join()
            supervisor.stop()


def run(node: DemonstrationNode, code: str, *arguments: str) -> str:
    """Run Python on a node and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=node_environment(node),
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    )
    return done.stdout


_FLOOR = """
import sys, time, secrets, hashlib, django
django.setup()
from django.db import connection
from kouan.core.ledger.merkle import leaf_hash, root_of
from kouan.core.trust import cose, sealing
from kouan.core.trust.queries import own
from datetime import UTC, datetime
count, group, at_once, size = map(int, sys.argv[1:])
keys = own()
signer = keys.signer(datetime.now(UTC))
public = keys.public
kid, recipient = public.sealing_key(datetime.now(UTC))
private = keys.decryption_key(kid)
find = public.key_finder(datetime.now(UTC))
body = bytes(size)
cursor = connection.cursor()
cursor.execute("CREATE TABLE floor (id INTEGER PRIMARY KEY, a BLOB)")
started = time.perf_counter()
for _ in range(count // (group * at_once)):
    # sender: seal, sign, commit; receiver: verify, open, sign, commit; sender: verify, commit
    posted = []
    for _ in range(at_once):
        key = sealing.new_batch_key()
        wrapped = sealing.wrap_batch_key(key, recipient, info=b"floor")
        sealed = []
        for index in range(group):
            ident = index.to_bytes(16)
            ciphertext = sealing.seal(sealing.message_key(key, ident), body, ident)
            sealed.append((ident, ciphertext, leaf_hash(hashlib.sha256(ciphertext).digest())))
        statement = cose.sign1(root_of(item[2] for item in sealed) + wrapped, signer, content_type="floor")
        posted.append((wrapped, sealed, statement))
    insert(cursor, [row for _, sealed, _ in posted for row in sealed])
    receipts, taken = [], []
    for wrapped, sealed, statement in posted:
        cose.verify1(statement, find, content_type="floor", max_bytes=1000)
        opened = sealing.unwrap_batch_key(wrapped, private, info=b"floor")
        again = []
        for ident, ciphertext, _leaf in sealed:
            plain = sealing.open_sealed(sealing.message_key(opened, ident), ciphertext, ident)
            again.append((ident, plain, leaf_hash(hashlib.sha256(ciphertext).digest())))
        root_of(item[2] for item in again)
        receipts.append(cose.sign1(statement[:64], signer, content_type="floor"))
        taken += again
    insert(cursor, taken)
    for receipt in receipts:
        cose.verify1(receipt, find, content_type="floor", max_bytes=1000)
    insert(cursor, taken[:1])
print(count / (time.perf_counter() - started))
"""

_INSERT = """
def insert(cursor, rows):
    cursor.execute("BEGIN IMMEDIATE")
    cursor.executemany("INSERT INTO floor (a) VALUES (%s)", [(row[1],) for row in rows])
    cursor.execute("COMMIT")
"""


def floor(count: int, group: int, at_once: int) -> float:
    """Return messages a second of cryptography and durable commits alone, both sides in one process."""
    with tempfile.TemporaryDirectory(prefix="kouan-bench-") as home:
        ports = free_ports(2)
        (node,) = establish(Path(home), {"hk": (ports[0], ports[1])})
        return float(run(node, _INSERT + _FLOOR, str(count), str(group), str(at_once), str(BYTES)))


def on_postgresql(one: float, batched: float) -> dict[str, float]:
    """Return the same figures through nodes on PostgreSQL, and their shares of those on SQLite."""
    on = server()
    if on is None:
        print("PostgreSQL is not measured: no server answers on 127.0.0.1:5432", file=sys.stderr)
        return {}
    one_there, _ = through(ONE_BY_ONE, 50, {"batch_max": 1, "linger_ms": 0}, on)
    batched_there, _ = through(BATCHED, 100, {"batch_max": 500, "linger_ms": 5}, on)
    return {
        "one_by_one_per_s_postgresql": one_there,
        "batched_per_s_postgresql": batched_there,
        "one_by_one_to_sqlite_postgresql": one_there / one,
        "batched_to_sqlite_postgresql": batched_there / batched,
    }


def main() -> dict[str, float]:
    """Measure and return the figures."""
    floor_one = floor(ONE_BY_ONE, 1, AT_ONCE)
    floor_batched = floor(BATCHED, 500, 1)
    one, _ = through(ONE_BY_ONE, 50, {"batch_max": 1, "linger_ms": 0})
    batched, grown = through(BATCHED, 100, {"batch_max": 500, "linger_ms": 5})
    validations = latencies()
    return {
        "one_by_one_per_s": one,
        "batched_per_s": batched,
        "floor_one_by_one_per_s": floor_one,
        "floor_batched_per_s": floor_batched,
        "one_by_one_to_floor": one / floor_one,
        "batched_to_floor": batched / floor_batched,
        "batched_to_one_by_one": batched / one,
        "memory_growth_mb": grown,
        "memory_over_messages": BATCHED,
        **crossings(),
        **as2(one, batched),
        **on_postgresql(one, batched),
        "validation_p50_ms": statistics.median(validations),
        "validation_p95_ms": statistics.quantiles(validations, n=20)[18],
        "validation_max_ms": max(validations),
        "validations_per_s": PER_SECOND,
    }


if __name__ == "__main__":
    figures("channel", main())
