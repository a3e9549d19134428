"""How long an officer's list of cases takes in process, with a million cases on record.

The cases are written in bulk, as so many applications would have left them: 20 departments with 5 services
each, nine in ten cases are over, an officer has some. Each list is one page of 25, filtered in one of the
ways that the page offers. ``cpu`` is this process's own part of the time.
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

CASES = int(os.environ.get("KOUAN_BENCH_CASES", "1000000"))
LISTS = 400

_CODE = """
import json, random, sys, time, uuid, django
django.setup()
from datetime import timedelta
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from kouan.apps.services.cases import access, clock, queries, statistics
from kouan.apps.services.definition.model import parse
from kouan.apps.services.models import Case, ServiceVersion
from kouan.core.database.rows import insert_many
from kouan.web.access import HeldIn, departments_by, grant_role
from kouan.core.text import Localised

cases, lists = map(int, sys.argv[1:])
chance, now, day = random.Random(7), timezone.now(), clock.today()
officers = []
for at in range(200):
    officers.append(User.objects.create(username=f"officer-{at}"))
    grant_role(user=officers[-1], role="caseworker")
name = Localised("Department", "部門", "部门")
departments_by(lambda user, role: (HeldIn(f"department-{int(user.username[8:]) % 20}", name),))

def three(text):
    return dict.fromkeys(("en", "zh_hant", "zh_hans"), text)

digests = {}
for department in range(20):
    for at in range(5):
        service = f"service-{department}-{at}"
        version = parse({
            "schema": "kouan-service/1", "side": "hk", "service": service, "version": 1,
            "title": three(service), "legal": three("x"),
            **{name: three("x") for name in ("summary", "who", "bring", "ends")},
            "category": "tax", "audiences": ["resident"], "homes": ["gd"], "time_limit": {"working_days": 10},
            "department": {"code": f"department-{department}", "name": three("Department")},
            "form": {"type": "object", "properties": {}},
            "result": {"kind": "paper", "title": three("x"), "claims": [
                {"name": "case", "title": three("Case"), "source": "case.reference"}]},
        })
        digests[service] = version.digest()
        ServiceVersion.objects.create(
            side="hk", service=service, version=1, digest=version.digest(), body=version.canonical(),
            state="published", department=f"department-{department}", category="tax", audiences="", events="",
            drafted_at=now, published_at=now)

OPEN = [("received", "office"), ("in-review", "office"), ("appealed", "office"), ("correction", "applicant"),
        ("payment", "applicant")]
OVER = [("granted", "nobody")] * 7 + [("refused", "nobody"), ("withdrawn", "nobody"), ("lapsed", "nobody")]
NAMES = ("key", "reference", "home", "subject", "service", "version", "digest", "department", "state", "turn",
         "changed", "officer_id", "level", "acts_for", "language", "answers", "told", "consent", "message_id",
         "received_at", "due_on", "stopped_on", "days_left", "reminded_on", "late_on", "decided_at", "seq")
sealed, receipt, subject = bytes(400), bytes(400), "s" * 43
for first in range(0, cases, 20_000):
    rows = []
    for at in range(first, min(cases, first + 20_000)):
        department = chance.randrange(20)
        state, turn = chance.choice(OVER) if at % 10 else chance.choice(OPEN)
        over = turn == "nobody"
        received = now - timedelta(minutes=chance.randrange(3 * 525_600))
        key = uuid.UUID(int=chance.getrandbits(128), version=4)
        officer = None if state == "received" else officers[department + 20 * chance.randrange(10)].pk
        service = f"service-{department}-{chance.randrange(5)}"
        rows.append((key, f"HK-2026-{at:08d}", "gd", subject, service, 1,
                     digests[service], f"department-{department}", state, turn, 1, officer, 2, "self", "en",
                     sealed, sealed[:60], receipt, key, received,
                     None if over else day + timedelta(days=chance.randrange(-5, 30)),
                     None, None, None, None,
                     received + timedelta(days=chance.randrange(1, 30)) if over else None, 3))
    with transaction.atomic():
        insert_many(Case, NAMES, rows)
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")

WAYS = [
    queries.Filter(), queries.Filter(whose="mine"), queries.Filter(whose="nobody"),
    queries.Filter(overdue=True),
    queries.Filter(show="applicant"), queries.Filter(state="in-review"), queries.Filter(show="over"),
    queries.Filter(show="all"), queries.Filter(page=10),
]

def ask(user, way):
    user = User.objects.get(pk=user.pk)
    if chance.randrange(3) == 0:
        department = int(user.username[8:]) % 20
        way = queries.Filter(**{**{name: getattr(way, name) for name in way.__slots__},
                                "service": f"service-{department}-{chance.randrange(5)}"})
    began, busy = time.perf_counter(), time.thread_time()
    found = queries.worklist(user, way)
    assert found.rows or way.service or way.page > 1, way
    return 1000 * (time.perf_counter() - began), 1000 * (time.thread_time() - busy)

def timed(call):
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)

for way in WAYS:
    ask(officers[0], way)
took = list(zip(*(ask(chance.choice(officers), chance.choice(WAYS)) for _ in range(lists))))
counted = [timed(lambda: queries.counts(chance.choice(officers))) for _ in range(lists // 10)]
drawn = [timed(lambda: statistics.statistics(chance.choice(officers))) for _ in range(lists // 20)]

def told(found):
    found = sorted(found)
    return {"p50": found[len(found) // 2], "p95": found[int(0.95 * len(found))]}

print(json.dumps({
    "cases": cases,
    **{f"list_{name}_ms": value for name, value in told(took[0]).items()},
    **{f"list_cpu_{name}_ms": value for name, value in told(took[1]).items()},
    **{f"counts_{name}_ms": value for name, value in told(counted).items()},
    **{f"figures_{name}_ms": value for name, value in told(drawn).items()},
}))
"""


def measure(database: str | None, count: int) -> dict[str, float]:
    """Return the figures of a fresh node, on SQLite or in a database of its own."""
    with tempfile.TemporaryDirectory(prefix="kouan-bench-") as home:
        ports = free_ports(2)
        given = {} if database is None else {"databases": {"hk": database}}
        (node,) = establish(Path(home), {"hk": (ports[0], ports[1])}, **given)
        done = subprocess.run(
            [sys.executable, "-c", _CODE, str(count), str(LISTS)],
            env=node_environment(node),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=3600,
        )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> dict[str, float]:
    """Measure on PostgreSQL, if it is there, else a tenth of it on SQLite, and return the figures."""
    url = server()
    if url is None:
        return {f"sqlite_{name}": value for name, value in measure(None, CASES // 10).items()}
    with ExitStack() as stack:
        database = stack.enter_context(databases(url, ["hk"]))["hk"]
        return {f"postgresql_{name}": value for name, value in measure(database, CASES).items()}


if __name__ == "__main__":
    figures("cases", main())
