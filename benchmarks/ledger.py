"""The ledger's figures: how fast it appends, small and large, and how fast all of it is audited.

The large ledger is written in bulk (rows and tiles, as so many appends would have left them), then
appended to as the channel does: groups of records, each group one durable transaction. The audit is the
one of ``kouan ledger audit``, on a ledger of its own size.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _table import figures
from kouan.demo.nodes import establish, free_ports, node_environment

SMALL = 10_000
LARGE = int(os.environ.get("KOUAN_BENCH_LEDGER", "10000000"))
AUDITED = int(os.environ.get("KOUAN_BENCH_AUDIT", "1000000"))

_BUILD = """
import sys, time, os, statistics, django
django.setup()
from hashlib import sha256
from django.db import connection, transaction
from django.utils import timezone
from kouan.core.database.rows import insert_many
from kouan.core.exchange import witness
from kouan.core.exchange.audit import audit
from kouan.core.ledger import services
from kouan.core.ledger.merkle import Frontier, root_of
from kouan.core.ledger.models import Entry, LedgerHead, Tile

def fill(count):
    # Rows, head and tiles of so many entries, without the transactions that would have written them.
    head, _made = LedgerHead.objects.get_or_create(pk=1)
    tree = Frontier.from_bytes(head.size, bytes(head.frontier))
    at, names = timezone.now(), ("index", "kind", "leaf_hash", "salt", "record", "at")
    body = bytes(120)
    while tree.size < count:
        more = min(1 << 16, count - tree.size)
        salts = os.urandom(16 * more)
        rows, leaves = [], []
        for offset in range(more):
            salt = salts[16 * offset : 16 * offset + 16]
            record = (tree.size + offset).to_bytes(8) + body
            leaf = sha256(bytes(1) + sha256(salt + record).digest()).digest()
            leaves.append(leaf)
            rows.append((tree.size + offset, "sent", leaf, salt, record, at))
        with transaction.atomic():
            insert_many(Entry, names, rows)
            tree.extend(leaves)
            LedgerHead.objects.filter(pk=1).update(size=tree.size, frontier=tree.to_bytes())
    witness.publish()

def append(groups, size):
    began = time.perf_counter()
    for _ in range(groups):
        with transaction.atomic():
            services.append([services.Record("sent", bytes(128))] * size)
    return groups * size / (time.perf_counter() - began)
"""

_APPEND = """
fill(int(sys.argv[1]))
with connection.cursor() as cursor:
    # What the bulk left in the write-ahead log is not the appends' to pay for.
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)" if connection.vendor == "sqlite" else "CHECKPOINT")
os.sync()
append(5, 100)
groups = statistics.median(append(50, 100) for _ in range(5))
print(groups, statistics.median(append(100, 1) for _ in range(5)))
"""

_AUDIT = """
fill(int(sys.argv[1]))
began = time.perf_counter()
findings = audit()
seconds = time.perf_counter() - began
assert findings.holds, findings.problems[:5]
assert findings.entries == int(sys.argv[1])
print(findings.entries / seconds, seconds)
"""


def measure(code: str, size: int) -> list[float]:
    """Run ``code`` on a fresh node with a ledger of ``size`` entries; return the figures that it prints."""
    with tempfile.TemporaryDirectory(prefix="kouan-bench-") as home:
        ports = free_ports(2)
        (node,) = establish(Path(home), {"hk": (ports[0], ports[1])})
        done = subprocess.run(
            [sys.executable, "-c", _BUILD + code, str(size)],
            env=node_environment(node),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=1800,
        )
    return [float(each) for each in done.stdout.split()]


def main() -> dict[str, float]:
    """Measure and return the figures."""
    small = measure(_APPEND, SMALL)
    audited = measure(_AUDIT, AUDITED)
    large = measure(_APPEND, LARGE)
    return {
        "small_entries": SMALL,
        "large_entries": LARGE,
        "append_small_per_s": small[0],
        "append_large_per_s": large[0],
        "append_large_to_small": large[0] / small[0],
        "append_one_by_one_small_per_s": small[1],
        "append_one_by_one_large_per_s": large[1],
        "audited_entries": AUDITED,
        "audited_leaves_per_s": audited[0],
        "audit_s": audited[1],
    }


if __name__ == "__main__":
    figures("ledger", main())
