"""How long a decision takes in process, with many contracts and very many consents on record.

The rows are written in bulk, as so many contracts and consents would have left them. A decision is the one
that the channel asks of every message that rests on a contract: rows read, terms, rules of both sides,
filings, the person's consent, then the clause. Each is about another contract and another person. ``cpu``
is this process's own part of the time: what is left when the machine has nothing else to do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from _server import databases, server
from _table import figures
from kouan.demo.nodes import establish, free_ports, node_environment

CONTRACTS = int(os.environ.get("KOUAN_BENCH_CONTRACTS", "10000"))
CONSENTS = int(os.environ.get("KOUAN_BENCH_CONSENTS", "1000000"))
DECISIONS = 20_000

_CODE = """
import json, random, sys, time, uuid, django
django.setup()
from datetime import timedelta
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from kouan.apps.dataflow.contracts import today
from kouan.apps.dataflow.crossings import DATA_RECORD
from kouan.apps.dataflow.payloads import DataRecord, Value
from kouan.apps.dataflow.domain import Terms
from kouan.apps.dataflow.models import Contract, DataConsent, Filing
from kouan.core.database.rows import insert_many
from kouan.core.exchange.outbox import decide
from kouan.core.policy import Denied
from kouan.node.settling import settle

contracts, consents, decisions = map(int, sys.argv[1:])
chance, now, day = random.Random(7), timezone.now(), today()
names = dict.fromkeys(("en", "zh_hant", "zh_hans"), "Bank")
PURPOSE, KINDS = "dpv:CreditChecking", ["person.credit", "person.name"]

def new():
    return uuid.UUID(int=chance.getrandbits(128), version=4)

def party(code, place):
    return {"code": code, "name": names, "registration": "", "place": place}

numbers, rows, filings = [], [], []
for at in range(contracts):
    number = new()
    terms = Terms.model_validate({
        "schema": "kouan-contract/1", "contract": str(number), "version": 1, "replaces": None,
        "basis": "gba-standard-contract", "exporter": party(f"exporter-{at}", "hk"),
        "importer": party(f"importer-{at}", "gd:shenzhen"), "purposes": [PURPOSE], "elements": KINDS,
        "persons": 100, "retention_days": 90, "onward": [],
        "assessment": {"digest": "0" * 64, "made_on": day.isoformat()},
        "effective": day.isoformat(), "expires": (day + timedelta(days=364)).isoformat(),
    })
    numbers.append(number)
    rows.append((at + 1, number, 1, "gd", terms.canonical(), terms.digest(), "signed", f"hk/exporter-{at}",
                 f"gd/importer-{at}", day, day + timedelta(days=364), now, b"s", b"s", "", "", ""))
    filings += [(at + 1, side, day + timedelta(days=14), day, "1") for side in ("gd", "hk")]
with transaction.atomic():
    insert_many(Contract, ("id", "contract", "version", "peer", "terms", "digest", "state", "exporter",
                           "importer", "effective", "expires", "created_at", "signed_here", "signed_there",
                           "reason", "ended_by", "department"), rows)
    insert_many(Filing, ("contract_id", "side", "due_on", "filed_on", "reference"), filings)

sample, receipt = [], bytes(1200)
for first in range(0, consents, 20_000):
    rows = []
    for at in range(first, min(consents, first + 20_000)):
        key, number, subject = new(), numbers[at % contracts], f"{at:043}"
        withdrawn = now if at % 10 == 0 else None
        rows.append((key, number, "gd", f"person-{at}", subject, KINDS, KINDS[:1], [PURPOSE], 3,
                     now - timedelta(days=1), now + timedelta(days=300), withdrawn, receipt, False))
        if chance.random() < 2 * decisions / consents:
            sample.append((key, number, subject, withdrawn is None))
    with transaction.atomic():
        insert_many(DataConsent, ("key", "contract", "peer", "person", "subject", "elements", "separate",
                                  "purposes", "level", "given_at", "expires_at", "withdrawn_at", "receipt",
                                  "notice"), rows)
with connection.cursor() as cursor:
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)" if connection.vendor == "sqlite" else "ANALYZE")
    if connection.vendor == "sqlite":
        cursor.execute("ANALYZE")

def ask(key, number, subject):
    payload = DataRecord(subject=subject, purpose=PURPOSE,
                         values=[Value(element=each, value="x") for each in KINDS])
    began, busy = time.perf_counter(), time.thread_time()
    try:
        decide(DATA_RECORD, sender="hk", receiver="gd", consent=f"dataflow:{key}", at=timezone.now(),
               agreement=str(number), payload=payload)
        allowed = True
    except Denied:
        allowed = False
    return allowed, 1000 * (time.perf_counter() - began), 1000 * (time.thread_time() - busy)

chance.shuffle(sample)
sample = sample[:decisions]
settle()  # as each process of a node does once it has loaded everything

def run():
    took = []
    for key, number, subject, standing in sample:
        allowed, *milliseconds = ask(key, number, subject)
        assert allowed is standing, key
        took.append(milliseconds)
    return zip(*took)

first, first_cpu = run()
again, again_cpu = run()

def told(found):
    found = sorted(found)
    places = (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
    return {name: found[int(len(found) * share)] for name, share in places}

print(json.dumps({"decisions": len(sample), "first": told(first), "again": told(again),
                  "first_cpu": told(first_cpu), "again_cpu": told(again_cpu)}))
"""


def measure(database: str | None) -> dict[str, float]:
    """Return the figures of a fresh node, on SQLite or in a database of its own."""
    with tempfile.TemporaryDirectory(prefix="kouan-bench-") as home:
        ports = free_ports(2)
        given = {} if database is None else {"databases": {"hk": database}}
        (node,) = establish(Path(home), {"hk": (ports[0], ports[1])}, **given)
        done = subprocess.run(
            [sys.executable, "-c", _CODE, str(CONTRACTS), str(CONSENTS), str(DECISIONS)],
            env=node_environment(node),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=1800,
        )
    found = json.loads(done.stdout)
    return {
        "decisions": found["decisions"],
        **{
            f"{when}_{name}_ms": value
            for when in ("first", "first_cpu", "again", "again_cpu")
            for name, value in found[when].items()
        },
    }


def main() -> dict[str, float]:
    """Measure on both databases, if both are there, and return the figures."""
    values: dict[str, float] = {"contracts": CONTRACTS, "consents": CONSENTS}
    values |= {f"sqlite_{name}": value for name, value in measure(None).items()}
    url = server()
    if url is not None:
        with ExitStack() as stack:
            database = stack.enter_context(databases(url, ["hk"]))["hk"]
            values |= {f"postgresql_{name}": value for name, value in measure(database).items()}
    return values


if __name__ == "__main__":
    figures("decisions", main())
