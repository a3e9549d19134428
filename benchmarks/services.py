"""How long a search of the catalogue takes with very many services, on both databases.

Services are made of the starter catalogue's, with titles and other names mixed, and found by the words,
places and half-written words that people type, in all scripts. ``search`` is the answer's keys; ``page`` with
the services of the first page read. ``naive`` looks through the same folded texts one after another. ``cpu``
is the processors' part of the time: this process's own, and PostgreSQL's where it runs on this machine.
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

SERVICES = int(os.environ.get("KOUAN_BENCH_SERVICES", "10000"))
SEARCHES = 480

_CODE = """
import json, random, sys, time, django
from pathlib import Path
django.setup()
from django.db import connection, transaction
from django.utils import timezone
from kouan.apps.services.catalogue import folding, queries, searching
from kouan.apps.services.catalogue.searching import Wanted
from kouan.apps.services.definition.model import parse
from kouan.apps.services.definition.reading import definition_of
from kouan.apps.services.models import ServiceText, ServiceVersion
from kouan.apps.services.starter import starter
from kouan.core.database.rows import insert_many, select

count, searches = map(int, sys.argv[1:])
chance, now = random.Random(7), timezone.now()
known = [json.loads(definition_of(source, version=1).canonical()) for side in ("gd", "hk")
         for source in starter(side).values()]

rows, kept, texts, words = [], [], [], 0
for at in range(count):
    value = dict(chance.choice(known))
    one, other = chance.choice(known), chance.choice(known)
    value["service"] = f"{value['service'][:50]}-{at}"
    value["title"] = {key: f"{one['title'][key]} {at}" for key in one["title"]}
    value["summary"], value["aliases"] = other["summary"], one.get("aliases", [])
    definition = parse(value)
    rows.append((at + 1, definition.side, definition.service, 1, definition.digest(), definition.canonical(),
                 "published", definition.department.code, definition.category,
                 f" {' '.join(definition.audiences)} ", f" {' '.join(definition.events)} ",
                 f" {' '.join(definition.homes)} ", "bench", now, now))
    found = searching.weights(definition)
    words += len(found)
    kept.append((at + 1, definition.side, definition.category, definition.service,
                 *searching.text_of(found)))
    texts.append((at + 1, folding.fold(" ".join(
        [*value["title"].values(), *value["summary"].values(), *value["aliases"], *value["who"].values(),
         *value["bring"].values(), *value["ends"].values()]))))
ServiceVersion.objects.all().delete()  # those of the starter catalogue
for first in range(0, len(rows), 500):
    with transaction.atomic():
        insert_many(ServiceVersion, ("id", "side", "service", "version", "digest", "body", "state",
                                     "department", "category", "audiences", "events", "homes", "by",
                                     "drafted_at", "published_at"), rows[first:first + 500])
for first in range(0, len(kept), 500):
    with transaction.atomic():
        insert_many(ServiceText, ("version_id", "side", "category", "service", "text", "near", "rest"),
                    kept[first:first + 500])
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE bench_naive (id integer PRIMARY KEY, text text NOT NULL)")
    cursor.executemany("INSERT INTO bench_naive VALUES (%s, %s)", texts)
with connection.cursor() as cursor:
    if connection.vendor == "sqlite":
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cursor.execute("ANALYZE")

asked = ["羅湖", "罗湖", "Lo Wu", "tax", "certificate", "库", "圖書證", "社保", "residence permit", "driv",
         "company", "深圳", "certificate of the", "車輛登記", "provident fund", "高才通", "lost", "a", "證明",
         "a signed statement of your pension", "无犯罪记录", "library card", "hk", "nothing of the kind"]

backend = None
if connection.vendor == "postgresql":
    backend = Path("/proc") / str(connection.connection.info.backend_pid) / "schedstat"
    command = backend.with_name("comm")
    backend = backend if command.is_file() and command.read_text().startswith("postgres") else None

def cpu():
    there = 0 if backend is None else int(backend.read_text().split()[0])
    return time.thread_time() + there / 1e9

def took(run):
    found = []
    for at in range(searches):
        text = asked[at % len(asked)]
        began, busy = time.perf_counter(), cpu()
        run(text)
        found.append((1000 * (time.perf_counter() - began), 1000 * (cpu() - busy)))
    return found

def naive(text):
    terms = folding.asked(text)
    clause = " AND ".join(["text LIKE %s"] * len(terms))
    select(f"SELECT id FROM bench_naive WHERE {clause} LIMIT 500", [f"%{term}%" for term in terms])

def told(found):
    places = (("p50", 0.5), ("p95", 0.95))
    return {f"{name}{kind}_ms": sorted(each[at] for each in found)[int(len(found) * share)]
            for at, kind in enumerate(("", "_cpu")) for name, share in places}

sides = ["gd", "hk"]
for text in asked:
    searching.search(Wanted(text=text, sides=sides))
print(json.dumps({
    "words": words,
    "search": told(took(lambda text: searching.search(Wanted(text=text, sides=sides)))),
    "page": told(took(lambda text: queries.found(Wanted(text=text, sides=sides)))),
    "naive": told(took(naive)),
}))
"""


def measure(database: str | None) -> dict[str, float]:
    """Return the figures of a fresh node, on SQLite or in a database of its own."""
    with tempfile.TemporaryDirectory(prefix="kouan-bench-") as home:
        ports = free_ports(2)
        given = {} if database is None else {"databases": {"hk": database}}
        (node,) = establish(Path(home), {"hk": (ports[0], ports[1])}, **given)
        done = subprocess.run(
            [sys.executable, "-c", _CODE, str(SERVICES), str(SEARCHES)],
            env=node_environment(node),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=1800,
        )
    found = json.loads(done.stdout)
    values = {"words": found["words"]}
    for what in ("search", "page", "naive"):
        values |= {f"{what}_{name}": value for name, value in found[what].items()}
    values["naive_to_search_p95"] = found["naive"]["p95_cpu_ms"] / found["search"]["p95_cpu_ms"]
    return values


def main() -> dict[str, float]:
    """Measure on both databases, if both are there, and return the figures."""
    values: dict[str, float] = {"services": SERVICES}
    values |= {f"sqlite_{name}": value for name, value in measure(None).items()}
    url = server()
    if url is not None:
        with ExitStack() as stack:
            database = stack.enter_context(databases(url, ["hk"]))["hk"]
            values |= {f"postgresql_{name}": value for name, value in measure(database).items()}
    return values


if __name__ == "__main__":
    figures("services", main())
